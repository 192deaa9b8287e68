from postern_local.overrides import overridden, overrides

OWN = {"MAILER_SMTP_URL": "smtp://127.0.0.1:1025", "MAILER_SEALING_KEYS_FILE": "keys/sealing.private.json"}


def test_what_is_set_outside_wins() -> None:
    given = {"MAILER_SMTP_URL": "smtp://mx.example:25"}

    assert overridden(given, "MAILER_", OWN)["MAILER_SMTP_URL"] == "smtp://mx.example:25"


def test_a_value_replaces_the_file_of_the_same_name() -> None:
    settings = overridden({"MAILER_SEALING_KEYS": "{}"}, "MAILER_", OWN)

    assert settings["MAILER_SEALING_KEYS"] == "{}"
    assert "MAILER_SEALING_KEYS_FILE" not in settings


def test_a_service_sees_nothing_of_the_other_ones_settings() -> None:
    assert overridden({"AUTH_HASH_KEY": "secret"}, "MAILER_", OWN) == OWN


def test_only_the_services_own_variables_are_taken_over() -> None:
    assert all(name.startswith(("AUTH_", "MAILER_", "POSTERN_LOG_")) for name in overrides())
