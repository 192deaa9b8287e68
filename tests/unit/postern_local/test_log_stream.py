from pathlib import Path

from postern_local.log_stream import LogStream, LogTail, last_lines


def test_only_what_is_added_from_now_on_is_passed_on(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    log.write_text("before\n", encoding="utf-8")
    tail = LogTail.from_end_of(log)

    with log.open("a", encoding="utf-8") as file:
        file.write("after\n")

    assert list(tail.lines()) == ["after"]
    assert list(tail.lines()) == []


def test_a_line_is_passed_on_when_it_is_complete(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    tail = LogTail.from_end_of(log)

    log.write_text("half a ", encoding="utf-8")
    assert list(tail.lines()) == []
    with log.open("a", encoding="utf-8") as file:
        file.write("line\n")

    assert list(tail.lines()) == ["half a line"]


def test_no_line_is_lost_when_the_file_is_rotated(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    log.write_text("before\n", encoding="utf-8")
    tail = LogTail.from_end_of(log)

    with log.open("a", encoding="utf-8") as file:
        file.write("last of the old\n")
    log.rename(tmp_path / "api.log.1")
    log.write_text("first of the new\n", encoding="utf-8")

    assert list(tail.lines()) == ["last of the old", "first of the new"]


def test_every_line_follows_the_name_of_its_writer(tmp_path: Path) -> None:
    lines: list[str] = []
    stream = LogStream(directory=tmp_path, write=lines.append)
    stream.follow(["api", "mailer-1"])

    (tmp_path / "api.log").write_text("hello\n", encoding="utf-8")
    (tmp_path / "mailer-1.log").write_text("hello\n", encoding="utf-8")
    stream.pump()

    assert lines == ["api      | hello", "mailer-1 | hello"]


def test_following_another_program_loses_nothing_of_the_first(tmp_path: Path) -> None:
    lines: list[str] = []
    stream = LogStream(directory=tmp_path, write=lines.append)
    stream.follow(["api"])
    (tmp_path / "api.log").write_text("hello\n", encoding="utf-8")

    stream.follow(["api", "relay"])
    stream.pump()

    assert lines == ["api   | hello"]


def test_the_last_lines_of_a_log_that_is_not_there_are_empty(tmp_path: Path) -> None:
    assert last_lines(tmp_path / "api.log", 3) == ""
