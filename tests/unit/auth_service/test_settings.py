import json

import pytest

from auth_service.domain.limit import parse_limit
from auth_service.settings import ApiSettings, BeatSettings, RelaySettings
from service_runtime.errors import SettingsError
from service_runtime.settings import load
from support.auth_api import HASH_KEY, SEALING_KEYS, SIGNING_KEYS
from support.tokens import TOKEN_KEYS

LIMITS = (
    "MAILBOX",
    "SOURCE",
    "SOURCE_CODES",
    "CODES",
    "SIGN_IN",
    "SOURCE_SIGN_IN",
    "SOURCE_REFRESH",
    "ALL_SIGN_IN",
    "ALL",
    "PROVED",
)
GOOD = {
    "AUTH_DATABASE_URL": "postgresql://auth:secretword@127.0.0.1/auth",
    "AUTH_PUBLIC_URL": "https://accounts.example.com/",
    "AUTH_SIGNING_KEY": SIGNING_KEYS[0],
    "AUTH_SEALING_PUBLIC_KEYS": SEALING_KEYS[1],
    "AUTH_HASH_KEY": HASH_KEY,
    "AUTH_TOKEN_KEYS": TOKEN_KEYS,
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_a_public_address_is_kept_without_its_last_slash(environment: pytest.MonkeyPatch) -> None:
    assert environment
    assert load(ApiSettings).public_url == "https://accounts.example.com"


def test_trusted_proxies_are_networks_with_commas_between(environment: pytest.MonkeyPatch) -> None:
    assert load(ApiSettings).trusted_proxies == ()
    environment.setenv("AUTH_TRUSTED_PROXIES", "10.0.0.0/8, fd00::/8,192.0.2.1")
    assert [str(network) for network in load(ApiSettings).trusted_proxies] == [
        "10.0.0.0/8",
        "fd00::/8",
        "192.0.2.1/32",
    ]


def test_no_application_has_our_own_audience(environment: pytest.MonkeyPatch) -> None:
    def register(**members: str) -> None:
        entry = {"id": "shop", "name": "The Shop", "public": True, **members}
        environment.setenv("AUTH_APPLICATIONS", json.dumps([entry]))

    for audience in ("https://accounts.example.com", "https://api.example.com"):
        register(audience=audience)
        with pytest.raises(SettingsError, match="the audience of shop is our own"):
            load(ApiSettings)
        environment.setenv("AUTH_AUDIENCE", "https://api.example.com")
    environment.setenv("AUTH_AUDIENCE", "shop")
    register()
    with pytest.raises(SettingsError, match="the audience of shop is our own"):
        load(ApiSettings)
    register(audience="https://api.shop.example")
    assert load(ApiSettings).applications.audiences == {"shop": "https://api.shop.example"}


@pytest.mark.parametrize("name", GOOD)
def test_a_missing_variable_is_named(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.delenv(name)
    with pytest.raises(SettingsError, match=name):
        load(ApiSettings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AUTH_DATABASE_URL", "mysql://auth:secretword@127.0.0.1/auth"),
        ("AUTH_DATABASE_URL", "postgresql://auth:secretword@127.0.0.1"),
        ("AUTH_PUBLIC_URL", "accounts.example.com"),
        ("AUTH_PUBLIC_URL", "https://user:secretword@accounts.example.com"),
        ("AUTH_PUBLIC_URL", "https://accounts.example.com/?secretword"),
        ("AUTH_PUBLIC_URL", "https://accounts.example.com/v1/secretword"),
        ("AUTH_PUBLIC_URL", "https://accounts.example.com/signup"),
        ("AUTH_PUBLIC_URL", "https://accounts.example.com/a//secretword"),
        ("AUTH_PUBLIC_URL", "https://accounts.example.com/../secretword"),
        ("AUTH_PUBLIC_URL", "https://accounts.example.com/<secretword>"),
        ("AUTH_SIGNING_KEY", "secretword"),
        pytest.param("AUTH_SIGNING_KEY", SIGNING_KEYS[1], id="AUTH_SIGNING_KEY-the public key"),
        ("AUTH_SEALING_PUBLIC_KEYS", '{"keys": [], "x": "secretword"}'),
        ("AUTH_HASH_KEY", "secretword"),
        ("AUTH_TOKEN_KEYS", "secretword"),
        ("AUTH_TOKEN_KEYS", SIGNING_KEYS[0]),
        ("AUTH_AUDIENCE", "secretword and more"),
        ("AUTH_ACCESS_TOKEN_MINUTES", "16"),
        ("AUTH_SESSION_DAYS", "0"),
        ("AUTH_LISTEN", "8000"),
        ("AUTH_LISTEN", "127.0.0.1:99999"),
        ("AUTH_API_WORKERS", "0"),
        ("AUTH_HASH_LIMIT", "many"),
        ("AUTH_TRUSTED_PROXIES", "10.0.0.0/8,secretword"),
        ("AUTH_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("AUTH_BREACH_LIST_URL", "file:///secretword"),
        *((f"AUTH_LIMIT_{name}", "secretword/day") for name in LIMITS),
        *((f"AUTH_LIMIT_{name}", "") for name in LIMITS),
        ("AUTH_LIMIT_MAILBOX", "1/minute secretword"),
        ("AUTH_LIMIT_ALL", "1001/minute"),
        ("AUTH_CAMPAIGN", "50/secretword 10%"),
        ("AUTH_PROOF_TRIES", "1"),
        ("AUTH_HOLD_MINUTES", "0"),
        ("POSTERN_LOG_LEVEL", "LOUD"),
    ],
)
def test_a_bad_variable_is_named_and_its_value_is_not_shown(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    environment.setenv(name, value)
    with pytest.raises(SettingsError, match=name) as caught:
        load(ApiSettings)
    assert "secretword" not in str(caught.value)


def test_settings_do_not_show_their_secrets(environment: pytest.MonkeyPatch) -> None:
    assert environment
    shown = repr(load(ApiSettings))
    assert "secretword" not in shown
    assert HASH_KEY not in shown


def test_a_process_asks_only_for_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH_BROKER_URL", "amqp://auth:pw@127.0.0.1/postern")
    monkeypatch.setenv("AUTH_BEAT_SCHEDULE_FILE", "schedule")
    assert load(BeatSettings)
    with pytest.raises(SettingsError, match="AUTH_DATABASE_URL"):
        load(RelaySettings)


@pytest.mark.parametrize(
    "url", ["amqp://auth:secretword@one/postern", "amqp://one/p;amqps://auth:pw@two:5671/p"]
)
def test_a_broker_is_one_address_or_those_of_its_nodes(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("AUTH_BROKER_URL", url)
    monkeypatch.setenv("AUTH_BEAT_SCHEDULE_FILE", "schedule")
    assert load(BeatSettings).broker_url.get_secret_value() == url


@pytest.mark.parametrize("url", ["http://one", "amqp://one/p;", "amqp://one/p;two/p", "amqp:///p"])
def test_every_node_needs_a_whole_address(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("AUTH_BROKER_URL", url)
    monkeypatch.setenv("AUTH_BEAT_SCHEDULE_FILE", "schedule")
    with pytest.raises(SettingsError, match=r"AUTH_BROKER_URL: .*amqp://"):
        load(BeatSettings)


def test_limits_are_on_unless_somebody_says_off_and_then_they_are_named(
    environment: pytest.MonkeyPatch,
) -> None:
    assert load(ApiSettings).off() == []
    environment.setenv("AUTH_LIMIT_SOURCE", "off")
    environment.setenv("AUTH_CAMPAIGN", "off")
    assert load(ApiSettings).off() == ["AUTH_LIMIT_SOURCE", "AUTH_CAMPAIGN"]


def test_every_limit_is_in_the_settings(environment: pytest.MonkeyPatch) -> None:
    for name in LIMITS:
        environment.setenv(f"AUTH_LIMIT_{name}", "3/second 7/day")
    settings = load(ApiSettings)
    named = {name for name in ApiSettings.model_fields if name.startswith("limit_")}
    assert named == {f"limit_{name.lower()}" for name in LIMITS}
    assert all(getattr(settings, name) == parse_limit("3/second 7/day") for name in named)
