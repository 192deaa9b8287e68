"""The file of an import: each line is understood or refused by its number, and nothing of it is quoted."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from auth_service.cli.import_file import LONGEST_LINE, UnreadableFile, read_record, records_in, survey
from auth_service.domain.account_import import ImportedPerson, RefusedLine

HASH = "$2b$08$W2GXKnNiA/.qyqecOXKzL.hsE2z4IynJwuVoMJiJ02SQUrD.ygtQy"
GOOD = {"email": "Linh@example.com", "password_hash": HASH, "verified": True}


def read(path: Path, content: str | bytes) -> list[ImportedPerson | RefusedLine]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return [read_record(raw) for raw in records_in(path)]


def one_of_json(path: Path, **changes: Any) -> ImportedPerson | RefusedLine:
    (found,) = read(path, json.dumps(GOOD | changes))
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "people"


def test_json_lines_and_a_csv_say_the_same(path: Path) -> None:
    more = GOOD | {"locale": "vi", "created_at": "2019-05-06T07:08:09Z"}
    of_json = read(path, json.dumps(more) + "\n\n" + json.dumps(GOOD | {"password_hash": None}) + "\n")
    of_csv = read(
        path,
        "\ufeffemail,verified,password_hash,created_at,locale\r\n"
        f"Linh@example.com,true,{HASH},2019-05-06T07:08:09,vi\r\n"
        "\r\n"
        "Linh@example.com,1,,,\r\n",
    )
    first, second = of_json
    assert isinstance(first, ImportedPerson)
    assert isinstance(second, ImportedPerson)
    assert (first.line, second.line) == (1, 3)
    assert first.address.canonical == "linh@example.com"
    assert first.created_at == datetime(2019, 5, 6, 7, 8, 9, tzinfo=UTC)
    assert first.password_hash == "$bcrypt$r=8$W2GXKnNiA/.qyqecOXKzL.$hsE2z4IynJwuVoMJiJ02SQUrD.ygtQy"
    assert (second.password_hash, second.locale, second.created_at) == (None, "en", None)
    for a, b in zip(of_json, of_csv, strict=True):
        assert isinstance(b, ImportedPerson)
        assert (a.line + 1, b.password_hash, b.locale, b.created_at) == (
            b.line,
            a.password_hash,  # type: ignore[union-attr]
            a.locale,  # type: ignore[union-attr]
            a.created_at,  # type: ignore[union-attr]
        )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"email": "nobody"}, "email: not an address that letters can be sent to"),
        ({"email": "a\u200bb@example.com"}, "email: not an address that letters can be sent to"),
        ({"email": 5}, "email: Input should be a valid string"),
        ({"verified": "perhaps"}, "verified: Input should be a valid boolean, unable to interpret input"),
        (
            {"password_hash": "md5$x$y"},
            "password_hash: the password hash is of no kind that can be checked here",
        ),
        (
            {"password_hash": HASH.replace("$08$", "$31$")},
            "password_hash: the password hash is too cheap or too costly",
        ),
        ({"locale": "no such; DROP TABLE"}, "locale: String should match pattern"),
        ({"created_at": "yesterday"}, "created_at: Input should be a valid datetime"),
        ({"name": "Linh"}, "name: Extra inputs are not permitted"),
    ],
)
def test_a_line_that_cannot_be_imported_is_refused_with_its_number(
    path: Path, changes: dict[str, Any], reason: str
) -> None:
    found = one_of_json(path, **changes)
    assert isinstance(found, RefusedLine)
    assert found.line == 1
    assert found.reason.startswith(reason)
    assert not any(str(value) in found.reason for value in changes.values())


@pytest.mark.parametrize(
    "line",
    [
        b'{"email": "a@example.com", "email": "b@example.com", "password_hash": "", "verified": true}',
        b'{"email": "a@example.com", "password_hash": "", "verified": NaN}',
        b'{"email": "a@example.com", "password_hash": ""}',
        b"[1]",
        b'{"email": "a@',
        b'{"email": "\xff@example.com", "password_hash": "", "verified": true}',
        b'{"email": "' + b"a" * 3 * LONGEST_LINE + b'"}',
        b"[" * 9000,
    ],
    ids=["twice", "nan", "missing", "list", "cut", "latin-1", "long", "deep"],
)
def test_a_broken_line_is_refused_and_the_next_is_read(path: Path, line: bytes) -> None:
    good = json.dumps(GOOD).encode()
    before, refused, after = read(path, b"\n".join([good, line, good]))
    assert isinstance(before, ImportedPerson)
    assert isinstance(refused, RefusedLine)
    assert refused.line == 2
    assert isinstance(after, ImportedPerson)
    assert after.line == 3


def test_a_row_with_too_few_or_too_many_fields_is_refused(path: Path) -> None:
    found = read(path, "email,password_hash,verified\na@example.com,\nb@example.com,,1,1\nc@example.com,,0\n")
    assert [type(entry) for entry in found] == [RefusedLine, RefusedLine, ImportedPerson]
    assert [entry.line for entry in found] == [2, 3, 4]


@pytest.mark.parametrize(
    "content",
    ["", "email;password_hash;verified\n", "email,verified\n", "email,password_hash,verified,name\n"],
)
def test_a_file_of_another_kind_is_refused_whole(path: Path, content: str) -> None:
    with pytest.raises(UnreadableFile):
        read(path, content)


def test_a_file_is_known_again_by_what_is_in_it(path: Path) -> None:
    path.write_text("a\nb\n")
    first = survey(path)
    assert first.lines == 2
    path.write_text("a\nc\n")
    assert survey(path).digest != first.digest
