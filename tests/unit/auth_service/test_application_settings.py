"""`AUTH_APPLICATIONS`: what is wrong is named by its place, its id and its member, and nothing is repeated of it."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from auth_service.application_settings import parse_applications

DIGEST = hashlib.sha256(b"a secret").hexdigest()
SHOP = {"id": "shop", "name": "The Shop", "secret_sha256": [DIGEST]}
PHONE = {"id": "phone", "name": "The Phone", "public": True}
SECRETWORD = "hunter2hunter2hunter2hunter2hunter2"


def read(*entries: dict[str, Any]) -> Any:
    return parse_applications(json.dumps(entries))


def test_an_application_is_read_with_what_it_leaves_out() -> None:
    found = read(SHOP | {"redirect_uris": ["https://shop.example/back", "http://localhost:3000/back"]}, PHONE)
    shop, phone = found.get("shop"), found.get("phone")
    assert (shop.audience, shop.brand.name, shop.is_public) == ("shop", "The Shop", False)
    assert shop.knows("a secret")
    assert not shop.knows("another")
    assert phone.is_public
    assert not phone.knows("")
    assert DIGEST not in repr(found)
    assert str(bytes.fromhex(DIGEST)) not in repr(found)


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{SECRETWORD}\n", encoding="utf-8")
    entry = {"id": "shop", "name": "The Shop", "secret_files": [str(file)]}
    assert read(entry).get("shop").knows(SECRETWORD)
    file.write_text("short", encoding="utf-8")
    with pytest.raises(ValueError, match=r"application 1 \(shop\) secret_files\[1\]: must hold 32"):
        read(entry)
    with pytest.raises(ValueError, match="cannot be read: FileNotFoundError"):
        read(entry | {"secret_files": [str(tmp_path / "away")]})


@pytest.mark.parametrize(
    "uri",
    [
        "https://shop.example/*",
        "https://shop.example/back#x",
        "http://shop.example/back",
        "https://user:hunter2hunter2hunter2hunter2hunter2@shop.example/",
        "https:///back",
        "//shop.example/back",
        "javascript:alert(1)",
        "data:text/html,x",
        "shop:/back",
        "com.example.shop://back",
        "https://shop.example/a b",
        'https://shop.example/back?a="b"',
        "https://shop.exämple/",
        "https://shop.example\\@evil.example/",
        "https://[::1/back",
        "",
    ],
)
def test_redirect_uris_are_whole_and_safe(uri: str) -> None:
    with pytest.raises(ValueError, match=r"application 2 \(phone\) redirect_uris\[1\]: ") as refused:
        read(SHOP, PHONE | {"redirect_uris": [uri]})
    assert SECRETWORD not in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"secret": SECRETWORD}, "secret: Extra inputs"),
        ({SECRETWORD: "x"}, r"\(shop\): Extra inputs"),
        ({"secret_sha256": [SECRETWORD]}, r"secret_sha256\[1\]: "),
        ({"secret_sha256": []}, "must be `public` or have a secret"),
        *(
            ({"secret_sha256": [DIGEST, hashlib.sha256(nothing).hexdigest()]}, "digest of nothing")
            for nothing in (b"", b"\n")
        ),
        ({"public": True}, "and not both"),
        ({"id": "postern"}, "postern is our own"),
        ({"id": "a shop"}, "application 1 id: "),
        ({"id": None}, "application 1 id: "),
        ({"name": ""}, "name: "),
        ({"redirect_uris": ["com.example.shop:/back"]}, "a scheme of its own is for public ones"),
        ({"origins": ["https://shop.example/"]}, r"origins\[1\]: must be as a browser sends it"),
        ({"origins": ["https://Shop.example"]}, r"origins\[1\]: must be as a browser sends it"),
        ({"origins": ["https://shop.example:443"]}, r"origins\[1\]: must be without the port"),
        ({"origins": ["*"]}, r"origins\[1\]: must name a host"),
        ({"origins": ["null"]}, r"origins\[1\]: must name a host"),
        ({"origins": ["http://shop.example"]}, r"origins\[1\]: must be https"),
        ({"color": "#ffff00"}, "color: must be read on white: its contrast is 1.1 to 1"),
        ({"color": "red"}, "color: "),
        ({"color_dark": "#202020"}, "color_dark: must be read on dark"),
        ({"logo": "https://shop.example/logo.png"}, "logo: "),
        ({"logo": 'data:image/png;base64,AA" onerror="x'}, "logo: "),
    ],
)
def test_what_is_wrong_is_named_and_not_repeated(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        read(SHOP | changes)
    assert SECRETWORD not in str(refused.value)
    assert re.match(r"application 1\b", str(refused.value))


def test_no_audience_is_another_applications_id() -> None:
    assert read(SHOP | {"audience": "shop"}, PHONE).get("shop").audience == "shop"
    for entries in ((SHOP | {"audience": "phone"}, PHONE), (PHONE, SHOP | {"audience": "phone"})):
        with pytest.raises(ValueError, match=r"application . \(shop\) audience: is another application's id"):
            read(*entries)


def test_a_list_of_different_applications_is_asked_for() -> None:
    for text in ("", "{}", "nonsense", '[{"id": "a", "id": "b"}]', "[" * 100_000):
        with pytest.raises(ValueError, match="must be a JSON list of applications"):
            parse_applications(text)
    with pytest.raises(ValueError, match="application 1: "):
        parse_applications('["shop"]')
    with pytest.raises(ValueError, match="two applications have the same id"):
        read(SHOP, SHOP)
