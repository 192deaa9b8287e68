"""Our letters as spam filters see them: nothing in our words or our markup is held against them."""

from datetime import UTC, datetime

from support.dkim import BOTH, DOMAIN, keys, records, signing
from support.outgoing import every_letter
from support.spam_filters import rspamd_finds, spamassassin_finds

TRAVELLED_NOWHERE = {"NO_RECEIVED", "NO_RELAYS"}
"""The filter was given the letters as they leave us, before any server stamped them."""
THERE_IS_HTML = {"HTML_MESSAGE"}
"""A remark, used by other rules."""
HOSTS_UNKNOWN = ("HFILTER_HELO_", "HFILTER_HOSTNAME_", "HFILTER_FROMHOST_")
"""The DNS of the test knows keys and policies, but no addresses."""
NOTICEABLE = 0.01
"""What a remark is worth in SpamAssassin: a thousandth of a point."""


def letters() -> dict[str, bytes]:
    return every_letter(signing(*BOTH), at=datetime.now(UTC))


def test_spamassassin_finds_nothing_in_any_letter() -> None:
    for name, found in spamassassin_finds(letters()).items():
        assert found.keys() <= TRAVELLED_NOWHERE | THERE_IS_HTML, name
        assert max(found.values()) < NOTICEABLE, name


def test_rspamd_finds_nothing_in_any_letter_and_both_signatures_in_order() -> None:
    dns = {**records(keys(*BOTH)), f"_dmarc.{DOMAIN}": "v=DMARC1; p=reject"}
    for name, found in rspamd_finds(letters(), dns).items():
        held_against_us = {symbol for symbol, points in found.items() if points > 0}
        assert {symbol for symbol in held_against_us if not symbol.startswith(HOSTS_UNKNOWN)} == set(), name
        assert {"R_DKIM_ALLOW", "DMARC_POLICY_ALLOW", "MIME_GOOD"} <= found.keys(), name


def test_the_filters_do_find_what_is_there() -> None:
    spam = {
        name: octets.replace(b"Subject: ", b"Subject: FREE VIAGRA $$$ ", 1).replace(
            b"</body>", b"<img src=3Dx></body>"
        )
        for name, octets in letters().items()
        if name == "verify_address.en"
    }
    assert max(spamassassin_finds(spam)["verify_address.en"].values()) > 0
    assert max(rspamd_finds(spam, {})["verify_address.en"].values()) > 0
