import pytest

from postern_local.stack_file import process_table
from postern_local.stages import by_stage, kind_of, number_of
from postern_local.supervision import ProgramState


def test_what_is_in_front_stops_first_and_the_servers_last() -> None:
    programs = [
        "postgres",
        "mailer-1",
        "api",
        "epmd",
        "relay",
        "rabbitmq",
        "mailer-2",
        "mailer-urgent",
        "inbox",
        "beat",
        "flower",
    ]

    assert by_stage([*programs, "auth-worker"]) == [
        ["api", "beat"],
        ["relay"],
        ["auth-worker", "mailer-1", "mailer-2", "mailer-urgent"],
        ["flower"],
        ["inbox"],
        ["postgres", "rabbitmq"],
        ["epmd"],
    ]


@pytest.mark.parametrize(
    ("program", "kind", "number"),
    [
        ("mailer-12", "mailer", 12),
        ("mailer-urgent", "mailer-urgent", 0),
        ("auth-worker", "auth-worker", 0),
        ("api", "api", 0),
    ],
)
def test_a_replica_has_a_kind_and_a_number(program: str, kind: str, number: int) -> None:
    assert (kind_of(program), number_of(program)) == (kind, number)


def test_replicas_are_listed_by_number_and_what_is_down_is_not_listed() -> None:
    states = [
        ProgramState(name="mailer-10", state="RUNNING", pid=110),
        ProgramState(name="mailer-2", state="RUNNING", pid=102),
        ProgramState(name="mailer-urgent", state="RUNNING", pid=103),
        ProgramState(name="relay", state="BACKOFF", pid=None),
        ProgramState(name="epmd", state="RUNNING", pid=1),
    ]

    table = process_table(states)

    assert table["mailer"] == [102, 110]
    assert table["mailer-urgent"] == [103]
    assert table["relay"] == []
    assert "epmd" not in table
