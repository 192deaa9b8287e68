"""The strangers' limits are those that an API has by default, and their spellings one mailbox's."""

from auth_service.domain.address import parse_address
from auth_service.domain.campaign import parse_suspicion
from auth_service.domain.limit import mailbox_of, parse_limit
from auth_service.settings import ApiSettings
from support.faults.strangers import DEFAULT_LIMITS, variants
from support.no_limits import NO_LIMITS


def test_the_strangers_meet_the_limits_that_an_api_has_by_default() -> None:
    assert DEFAULT_LIMITS.keys() == NO_LIMITS.keys()
    for variable, text in DEFAULT_LIMITS.items():
        name = variable.removeprefix("AUTH_").lower()
        parse = parse_suspicion if name == "campaign" else parse_limit
        assert ApiSettings.model_fields[name].default == parse(text)


def test_variants_are_different_spellings_of_one_mailbox() -> None:
    spellings = variants("ownerofthehouse@example.com", 50)
    assert len(set(spellings)) == 50
    assert len({mailbox_of(parse_address(one)) for one in spellings}) == 1
