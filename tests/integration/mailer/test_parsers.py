"""Whoever reads a letter reads the same: parsers of three authors agree on structure, headers and words."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mailer_service.letters.renderer import Rendering
from support.dkim import BOTH, signing
from support.outgoing import SENDER, composed, every_letter, outgoing
from support.parsers import Reading, mblaze_reads, perl_reads, python_reads

ALTERNATIVE = ["multipart/alternative", "text/plain", "text/html"]


def words(subject: str, text: str) -> Rendering:
    return Rendering(subject=subject, text=text, html=f"<p>{text}</p>\n", language="vi")


def letters() -> Iterator[tuple[str, bytes]]:
    yield from every_letter(signing(*BOTH)).items()
    yield "beyond ascii", composed(outgoing("nguyễn@bücher.example", locale="vi"), SENDER).octets
    long = words("Xác nhận địa chỉ e-mail của bạn — " * 8 + "hết", "Thư dài " * 300 + "\n")
    yield "long", composed(outgoing(rendering=long), SENDER).octets
    odd = words("Hello", ".\n..\n--\n--=_x\nFrom here\n = =3D \t x  \n\n\nend\n")
    yield "odd lines", composed(outgoing(rendering=odd), SENDER).octets
    for name in ('Post "ern" \\ Co., Ltd.', "Bưu điện (Hà Nội) <x@y.example>"):
        yield f"from {name}", composed(outgoing(), replace(SENDER, name=name)).octets


def test_three_parsers_read_the_same(tmp_path: Path) -> None:
    for name, octets in letters():
        reading = python_reads(octets)
        assert reading.structure == ALTERNATIVE, name
        assert len(reading.bodies) == 2, name
        assert perl_reads(octets) == reading, name
        assert mblaze_reads(octets, tmp_path) == reading, name


def test_what_was_meant_is_what_they_read(tmp_path: Path) -> None:
    letter = outgoing("An.Nguyen+tag@example.org", locale="vi")
    meant = Reading(
        structure=ALTERNATIVE,
        subject=letter.rendering.subject,
        sender=str(SENDER.mailbox),
        recipient="An.Nguyen+tag@example.org",
        bodies=[letter.rendering.text, letter.rendering.html],
    )
    octets = composed(letter, SENDER).octets
    assert [python_reads(octets), perl_reads(octets), mblaze_reads(octets, tmp_path)] == [meant] * 3
