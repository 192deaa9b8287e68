"""The services' log files as one stream, each line after the name of who wrote it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self


@dataclass(slots=True, kw_only=True)
class LogTail:
    """What is added to one file from now on; follows it when it is rotated to `<name>.1`."""

    path: Path
    inode: int | None = None
    position: int = 0
    rest: bytes = b""

    @classmethod
    def from_end_of(cls, path: Path) -> Self:
        """The tail of a file that may not be there yet."""
        try:
            found = path.stat()
        except FileNotFoundError:
            return cls(path=path)
        return cls(path=path, inode=found.st_ino, position=found.st_size)

    def lines(self) -> Iterator[str]:
        """The complete lines since the last call."""
        try:
            inode = self.path.stat().st_ino
        except FileNotFoundError:
            return
        if self.inode is not None and inode != self.inode:
            yield from self._read(self.path.with_name(f"{self.path.name}.1"))
            self.position = 0
        self.inode = inode
        yield from self._read(self.path)

    def _read(self, path: Path) -> Iterator[str]:
        with path.open("rb") as file:
            file.seek(self.position)
            *complete, self.rest = (self.rest + file.read()).split(b"\n")
            self.position = file.tell()
        for line in complete:
            yield line.decode("utf-8", "replace")


@dataclass(slots=True, kw_only=True)
class LogStream:
    """The tails of several programs, and where their lines go."""

    directory: Path
    write: Callable[[str], None]
    tails: dict[str, LogTail] = field(default_factory=dict)

    def follow(self, names: Iterable[str]) -> None:
        """Follow the logs of exactly these programs, those already followed without a gap."""
        self.tails = {
            name: self.tails.get(name) or LogTail.from_end_of(self.directory / f"{name}.log")
            for name in sorted(names)
        }

    def pump(self) -> None:
        """Pass on what was written since the last call."""
        width = max((len(name) for name in self.tails), default=0)
        for name, tail in self.tails.items():
            for line in tail.lines():
                self.write(f"{name:<{width}} | {line}")


def last_lines(path: Path, count: int) -> str:
    """The last `count` lines of a log, indented; nothing where there is none."""
    if not path.exists():
        return ""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(f"    {line}" for line in lines[-count:])
