"""URLs with passwords: read in one way only, by every library alike, or refused without a word of them."""

from urllib.parse import quote

import psycopg2.extensions
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kombu.utils.url import parse_url
from sqlalchemy import make_url

from auth_service import settings as auth
from mailer_service import settings as mailer
from mailer_service.smtp.server import SmtpServer
from postern_rabbitmq.cli import ApplySettings
from service_runtime.errors import SettingsError
from service_runtime.settings import ServiceSettings, load, variable_of
from service_runtime.urls import read_url
from support.hostile_passwords import hostile_passwords, shown

SETTINGS: tuple[type[ServiceSettings], ...] = (
    *(auth.MigrationSettings, auth.ApiSettings, auth.RelaySettings, auth.WorkerSettings, auth.BeatSettings),
    *(auth.AnnounceSettings, auth.ExplainSettings, auth.HeldSettings, auth.RefusalsSettings, ApplySettings),
    *(mailer.MigrationSettings, mailer.WorkerSettings, mailer.SuppressionSettings, mailer.OperatorSettings),
    *(mailer.ExplainSettings, mailer.FlowerSettings),
)
FORMS = {
    "DATABASE_URL": "postgresql://auth:{}@127.0.0.1:5432/auth",
    "BROKER_URL": "amqp://auth:{}@127.0.0.1:5672/postern",
    "ADMIN_URL": "http://admin:{}@127.0.0.1:15672",
    "BROKER_API_URL": "http://flower:{}@127.0.0.1:15672",
    "SMTP_URL": "smtps://user:{}@127.0.0.1:465",
    "PUBLIC_URL": "https://user:{}@127.0.0.1",
    "SIGN_IN_URL": "https://user:{}@127.0.0.1",
    "BREACH_LIST_URL": "https://user:{}@127.0.0.1/range/",
    "FLOWER_LOGIN": "ops:{}",
}
"""By the end of a variable's name."""
URLS = sorted(
    {
        (cls, variable_of(cls, name), form)
        for cls in SETTINGS
        for name in cls.model_fields
        for end, form in FORMS.items()
        if variable_of(cls, name).endswith(end)
    },
    key=str,
)
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)


def test_every_setting_that_is_a_url_or_a_login_is_tried() -> None:
    named = {variable_of(cls, name) for cls in SETTINGS for name in cls.model_fields}
    assert {variable for _, variable, _ in URLS} == {
        name for name in named if name.endswith(("_URL", "_LOGIN"))
    }


@pytest.mark.parametrize(("cls", "variable", "form"), URLS, ids=str)
def test_a_start_that_fails_shows_no_part_of_a_password(
    cls: type[ServiceSettings], variable: str, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = 0
    # Every setting with passwords of its own: together they are thousands, and no reader differs by the setting's name.
    for password, parts in hostile_passwords(72, seed=URLS.index((cls, variable, form))):
        monkeypatch.setenv(variable, form.format(password))
        try:
            load(cls)
        except SettingsError as error:
            said = str(error)
        assert shown(parts, said) == []
        refused += f"{variable}: " in said
    assert refused > 12


@given(TEXT)
def test_a_percent_encoded_password_is_what_every_library_reads(password: str) -> None:
    encoded = quote(password, safe="")
    database = f"postgresql://auth:{encoded}@127.0.0.1:5432/auth"
    broker = f"amqp://auth:{encoded}@127.0.0.1:5672/postern"
    smtp = f"smtps://user:{encoded}@127.0.0.1"
    assert read_url(database, schemes={"postgresql"}).password == password
    assert make_url(database).password == password
    libpq = make_url(database).render_as_string(hide_password=False)
    assert psycopg2.extensions.parse_dsn(libpq)["password"] == password
    assert parse_url(broker)["password"] == password
    assert SmtpServer.from_url(smtp).password == password


@given(TEXT)
def test_a_password_that_is_taken_as_it_is_means_itself(password: str) -> None:
    """Or what it is the encoding of; nobody can tell that it was not meant so."""
    try:
        url = read_url(f"postgresql://auth:{password}@db:5432/auth", schemes={"postgresql"})
    except ValueError:
        return
    assert (url.user, url.host, url.port, url.path) == ("auth", "db", 5432, "/auth")
    assert url.password == password or "%" in password


@pytest.mark.parametrize(
    "url",
    [
        *("postgresql://a:1/2@db/auth", "postgresql://a:12/34@db:5432/auth", "postgresql://a:12?x@db/auth"),
        *(
            "postgresql://a:12#x@db/auth",
            "postgresql://a:@@db/auth",
            "postgresql://a:[@db/auth",
            "postgresql://db:0/x",
        ),
        *(
            "postgresql://a:%zz@db/auth",
            "postgresql://a:%ff@db/auth",
            "postgresql://a:%00@db/auth",
            "postgresql://db:99999/x",
        ),
        *(
            "postgresql://a:b@d\u2100b/auth",
            "postgresql://a:b@db:5432/auth\n",
            " postgresql://db/auth",
            "mysql://db/auth",
            "",
        ),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"percent-encoded|between 1 and 65535|control character"):
        read_url(url, schemes={"postgresql"})


@pytest.mark.parametrize(
    "url",
    [
        *(
            "postgresql://auth:secret@db/auth",
            "postgresql://auth@db:5432/auth?sslmode=verify-full&sslrootcert=/etc/ca.pem",
        ),
        *(
            "postgresql:///auth?host=/run/postgresql",
            "postgresql://auth:a+b=c@[::1]:5432/auth",
            "postgresql://a:%2F%40@db_1/x",
        ),
    ],
)
def test_what_operators_write_is_read(url: str) -> None:
    assert read_url(url, schemes={"postgresql"}).scheme == "postgresql"


@pytest.mark.parametrize(
    "login",
    [
        "ops:correct,horse",
        "ops:pässword",
        "ops:\u212a",
        " ops:secret",
        "ops:sec\tret",
        ":secret",
        "ops:",
        "ops",
        "a,b:c",
    ],
)
def test_a_login_that_flower_would_read_otherwise_is_refused_by_name(
    login: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILER_FLOWER_LOGIN", login)
    with pytest.raises(
        SettingsError, match=r"MAILER_FLOWER_LOGIN: .*(Flower reads it otherwise|user:password)"
    ):
        load(mailer.FlowerSettings)
