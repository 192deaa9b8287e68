"""Who may do what."""

from dataclasses import replace

import pytest

from postern_rabbitmq.doctor.finding import Code, Severity
from postern_rabbitmq.doctor.snapshot import Snapshot
from postern_rabbitmq.doctor.users import administrators, guest, service_users, strangers
from support.healthy import healthy


def with_user(name: str, *tags: str) -> Snapshot:
    snapshot = healthy()
    return replace(snapshot, users={**snapshot.users, name: frozenset(tags)})


def with_right(snapshot: Snapshot, user: str, vhost: str) -> Snapshot:
    return replace(snapshot, rights=snapshot.rights | {(user, vhost)})


def test_guest_is_an_error_said_once() -> None:
    snapshot = with_right(with_user("guest"), "guest", "postern")
    (finding,) = [*guest(snapshot), *strangers(snapshot), *service_users(snapshot)]
    assert finding.code is Code.GUEST
    assert finding.fix == "rabbitmqctl delete_user guest"


def test_a_second_administrator_is_a_warning_that_names_both() -> None:
    (finding,) = administrators(with_user("eve", "administrator"))
    assert (finding.code, finding.severity) == (Code.MANY_ADMINISTRATORS, Severity.WARNING)
    assert finding.object == "admin, eve"


@pytest.mark.parametrize(
    ("user", "tags"), [("auth", ["administrator"]), ("mailer", ["management"]), ("flower", [])]
)
def test_other_tags_than_those_of_the_topology_are_named(user: str, tags: list[str]) -> None:
    (finding,) = service_users(with_user(user, *tags))
    assert (finding.code, finding.object, finding.fix) == (Code.TAGS, user, "postern-topology apply")


def test_rights_of_a_service_on_another_vhost_are_named() -> None:
    (finding,) = service_users(with_right(healthy(), "mailer", "/"))
    assert finding.code is Code.OTHER_VHOST
    assert finding.fix == "rabbitmqctl clear_permissions -p / mailer"


def test_a_stranger_with_rights_is_named() -> None:
    (finding,) = strangers(with_right(with_user("spy"), "spy", "postern"))
    assert finding.code is Code.STRANGER
    assert finding.fix == "rabbitmqctl clear_permissions -p postern spy"


def test_a_stranger_elsewhere_is_none_of_our_business() -> None:
    assert list(strangers(with_right(with_user("spy"), "spy", "theirs"))) == []
