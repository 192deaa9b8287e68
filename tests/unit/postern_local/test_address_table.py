from postern_local.address_table import limits_off


def test_the_table_names_the_limits_that_are_off() -> None:
    given = {
        "AUTH_LIMIT_SOURCE": "off",
        "AUTH_LIMIT_MAILBOX": "1/minute",
        "AUTH_CAMPAIGN": " off ",
        "AUTH_OPS_LISTEN": "off",
        "MAILER_LIMIT_X": "off",
    }
    assert limits_off(given) == ["AUTH_CAMPAIGN", "AUTH_LIMIT_SOURCE"]
