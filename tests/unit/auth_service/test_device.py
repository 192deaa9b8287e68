"""What a letter says of a device: words of ours, whatever the request says of itself."""

import pytest

from auth_service.domain.device import describe_device

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
EDGE = f"{CHROME} Edg/140.0.0.0"
SAFARI = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/18.0 Mobile/15E148 Safari/604.1"
)
CHROME_ON_IPHONE = IPHONE.replace("Version/18.0", "CriOS/140.0.0.0")
SAMSUNG = (
    "Mozilla/5.0 (Linux; Android 15; SAMSUNG SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko)"
    " SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36"
)


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (CHROME, "Chrome on Windows"),
        (EDGE, "Edge on Windows"),
        (SAFARI, "Safari on Mac"),
        (IPHONE, "Safari on iPhone"),
        (CHROME_ON_IPHONE, "Chrome on iPhone"),
        (SAMSUNG, "Samsung Internet on Android"),
        ("okhttp/4.12.0 (Linux; Android 15)", "Android"),
        ("curl/8.5.0", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_browser_and_system_are_named(user_agent: str | None, words: str) -> None:
    assert describe_device(user_agent) == words


@pytest.mark.parametrize(
    "hostile",
    [
        "You won! https://prize.example",
        "Firefox/1 on https://prize.example",
        "{{7*7}} <b>Chrome/1</b>\r\nBcc: x@example.com",
        "Firefox/" + "9" * 600,
    ],
)
def test_no_text_of_the_request_gets_into_a_letter(hostile: str) -> None:
    assert describe_device(hostile) in {"", "Firefox", "Chrome"}
