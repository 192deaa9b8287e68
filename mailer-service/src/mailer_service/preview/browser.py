"""Chromium without a display, spoken to by the DevTools protocol through a pair of pipes: nothing listens on a port."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mailer_service.errors import PictureFailed

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_ANSWER_SECONDS = 30.0
_ABOVE_STANDARD = 10
"""File descriptors from there on do not collide with 3 and 4, where Chromium expects its pipes."""
_ARGUMENTS = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",  # root, as in a container, has no use of it; only our own pages are opened
    "--disable-gpu",
    "--no-first-run",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-sync",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """What somebody reads on.

    Attributes:
        name: such as `phone-dark`.
        width, height: CSS pixels.
        scale: pixels of the screen for one of CSS.
        mobile: whether it is held in a hand.
        dark: whether its owner likes dark pages.
    """

    name: str
    width: int
    height: int
    scale: float
    mobile: bool
    dark: bool


def find_browser() -> str | None:
    """Returns where Chromium is, or None."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Browser:
    """A browser with one page; every method raises PictureFailed."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands = commands
        self._answers = answers
        self._unread = b""
        self._news: list[dict[str, Any]] = []
        self._count = 0
        self._session: str | None = None
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._call("Page.enable")

    def picture(self, page: Path, screen: Screen) -> bytes:
        """Returns the whole page as it looks there, PNG; a page wider than the screen is a failure, too."""
        scheme = "dark" if screen.dark else "light"
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=screen.width,
            height=screen.height,
            deviceScaleFactor=screen.scale,
            mobile=screen.mobile,
        )
        self._call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self._news.clear()
        self._call("Page.navigate", url=page.resolve().as_uri())
        self._wait_for("method", "Page.loadEventFired")
        size = self._call("Page.getLayoutMetrics")["cssContentSize"]
        if size["width"] > screen.width:
            raise PictureFailed(f"{page.name} is wider than a {screen.name}")
        clip = {"x": 0, "y": 0, "width": screen.width, "height": size["height"], "scale": 1}
        shot = self._call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        return base64.b64decode(shot["data"])

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._count += 1
        command: dict[str, Any] = {"id": self._count, "method": method, "params": parameters}
        if self._session is not None:
            command["sessionId"] = self._session
        try:
            os.write(self._commands, json.dumps(command).encode() + b"\0")
        except OSError:
            raise PictureFailed("the browser is gone") from None
        answer = self._wait_for("id", self._count)
        if "error" in answer:
            raise PictureFailed(f"{method}: {answer['error'].get('message')}")
        result: dict[str, Any] = answer["result"]
        return result

    def _wait_for(self, field: str, value: object) -> dict[str, Any]:
        deadline = time.monotonic() + _ANSWER_SECONDS
        while True:
            for news in self._news:
                if news.get(field) == value:
                    self._news.remove(news)
                    return news
            self._listen(deadline)

    def _listen(self, deadline: float) -> None:
        if not select.select([self._answers], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise PictureFailed("the browser does not answer")
        octets = os.read(self._answers, 1 << 20)
        if not octets:
            raise PictureFailed("the browser is gone")
        *whole, self._unread = (self._unread + octets).split(b"\0")
        self._news += [json.loads(text) for text in whole]


@contextmanager
def browser(executable: str) -> Iterator[Browser]:
    """Runs one until the end of the block; what it keeps on disk goes with it."""
    hears, commands = os.pipe()
    answers, speaks = os.pipe()
    ours = [commands, answers]
    theirs = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, _ABOVE_STANDARD) for end in (hears, speaks)]
    for end in (hears, speaks):
        os.close(end)
    with TemporaryDirectory(prefix="postern-preview-", ignore_cleanup_errors=True) as profile:
        try:
            pid = os.posix_spawn(
                executable,
                [executable, *_ARGUMENTS, f"--user-data-dir={profile}"],
                os.environ,
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, theirs[0], 3),
                    (os.POSIX_SPAWN_DUP2, theirs[1], 4),
                    (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
                ],
            )
            try:
                for end in theirs:
                    os.close(end)
                yield Browser(*ours)
            finally:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
                os.waitpid(pid, 0)
        finally:
            for end in ours:
                os.close(end)
