"""How recipients and domains are recognised."""

import pytest

from mailer_service.db.tables import Scope
from mailer_service.errors import AddressNotSupported
from mailer_service.suppression.recipient_hashes import RecipientHasher

MARKER = RecipientHasher("a key for hashes, only for tests, long enough")


@pytest.mark.parametrize(
    "spelling",
    ["An.Nguyen@Example.ORG", "AN.NGUYEN@example.org", "an.nguyen@EXAMPLE.org"],
)
def test_every_spelling_of_a_mailbox_has_the_same_marks(spelling: str) -> None:
    assert MARKER.hashes_of(spelling) == MARKER.hashes_of("an.nguyen@example.org")


def test_a_domain_in_its_own_script_is_the_one_in_a_labels() -> None:
    assert MARKER.hashes_of("an@bücher.example") == MARKER.hashes_of("an@xn--bcher-kva.example")
    assert MARKER.of_domain("Bücher.example") == MARKER.hashes_of("b@xn--bcher-kva.example").domain


def test_mailboxes_that_merely_resemble_each_other_are_told_apart() -> None:
    hashes = {
        MARKER.hashes_of(f"{local}@example.org").recipient for local in ("an", "an+shop", "a.n", "än", "ann")
    }
    assert len(hashes) == 5


def test_a_mark_is_a_keyed_hash_that_differs_with_key_and_scope() -> None:
    hashes = MARKER.hashes_of("an@example.org")
    assert len(hashes.recipient) == len(hashes.domain) == 32
    assert (
        RecipientHasher("another key for hashes, only for tests").hashes_of("an@example.org").recipient
        != hashes.recipient
    )
    assert hashes.of(Scope.RECIPIENT) == hashes.recipient
    assert hashes.of(Scope.DOMAIN) == hashes.domain


def test_what_an_operator_writes_is_an_address_or_a_domain() -> None:
    hashes = MARKER.hashes_of("an@example.org")
    assert MARKER.of_target(" An@example.org ") == (Scope.RECIPIENT, hashes.recipient)
    for domain in ("example.org", "EXAMPLE.org.", "@example.org"):
        assert MARKER.of_target(domain) == (Scope.DOMAIN, hashes.domain)


@pytest.mark.parametrize("neither", ["", "an", "an@", "an@ex ample.org", "a b@example.org", "exam ple.org"])
def test_what_is_neither_is_refused(neither: str) -> None:
    with pytest.raises(AddressNotSupported):
        MARKER.of_target(neither)
