"""The inbox for tests: real sockets, in a thread of the test's own process."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Self, TypeVar

from dev_inbox.mailbox import BYTES_KEPT, MESSAGES_KEPT, Message
from dev_inbox.script import Rule
from dev_inbox.service import CannotListen, Endpoint, Service
from dev_inbox.state import Connection, Login, Policy, Totals

T = TypeVar("T")
_ANSWER_SECONDS = 10.0


class Inbox:
    """An inbox in a background thread.

        with Inbox() as inbox:
            inbox.play(Rule(phase=Phase.DOT, recipient="*@full.example", reply="452 4.2.2 Mailbox full", times=1))
            send_something(inbox.smtp.host, inbox.smtp.port)
            assert [message.subject for message in inbox.messages(to="an@example.org")] == ["Hello"]

    All ports are free ones unless given. The same inbox answers over HTTP at `http_url`. With `tls` it offers STARTTLS
    and takes mail at `smtps`, too; the other arguments are those of `state.Policy`.
    """

    def __init__(
        self,
        *,
        smtp: Endpoint | None = None,
        http: Endpoint | None = None,
        smtps: Endpoint | None = None,
        tls: ssl.SSLContext | None = None,
        login: Login | None = None,
        max_connections: int | None = None,
        max_messages_per_second: int | None = None,
        messages_kept: int = MESSAGES_KEPT,
        bytes_kept: int = BYTES_KEPT,
    ) -> None:
        self._service = Service(
            smtp=smtp or Endpoint(),
            http=http or Endpoint(),
            smtps=None if tls is None else smtps or Endpoint(),
            policy=Policy(
                tls=tls,
                login=login,
                max_connections=max_connections,
                max_messages_per_second=max_messages_per_second,
            ),
            messages_kept=messages_kept,
            bytes_kept=bytes_kept,
        )
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._failure: CannotListen | None = None

    @property
    def smtp(self) -> Endpoint:
        """Where it takes mail."""
        return self._service.smtp

    @property
    def smtps(self) -> Endpoint:
        """Where it takes mail under TLS from the first byte; raises RuntimeError without `tls`."""
        if self._service.smtps is None:
            raise RuntimeError("the inbox has no certificate")
        return self._service.smtps

    @property
    def http(self) -> Endpoint:
        """Where it shows mail."""
        return self._service.http

    @property
    def smtp_url(self) -> str:
        """`smtp://host:port`."""
        return f"smtp://{self.smtp}"

    @property
    def http_url(self) -> str:
        """`http://host:port`."""
        return f"http://{self.http}"

    def start(self) -> Self:
        """Returns once both ports answer; raises CannotListen if one is taken."""
        started = threading.Event()
        self._failure = None
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._run(started)), name="dev-inbox", daemon=True
        )
        self._thread.start()
        started.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        return self

    def stop(self) -> None:
        """Closes every connection and ends the thread; a second time changes nothing."""
        if self._thread is None or self._loop is None or self._stopping is None:
            return
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        self._thread = self._loop = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def messages(self, *, to: str | None = None) -> list[Message]:
        """Returns the messages kept, newest first; `to` compares in canonical form."""
        return self._ask(lambda: self._service.state.mailbox.newest_first(to=to))

    def clear(self) -> None:
        """Forgets all messages."""
        self._ask(self._service.state.mailbox.clear)

    def play(self, *rules: Rule) -> None:
        """Puts these rules in force in place of the present ones; none is back to being friendly."""
        self._ask(lambda: self._service.state.script.replace(rules))

    def played(self) -> list[tuple[Rule, int]]:
        """Returns every rule in force with how often it was played."""
        return self._ask(self._service.state.script.played)

    def connections(self) -> list[Connection]:
        """Returns the newest connections, newest first."""
        return self._ask(self._service.state.connections.newest_first)

    def totals(self) -> Totals:
        """Returns the counts over all connections."""
        return self._ask(lambda: replace(self._service.state.connections.totals))

    def _ask(self, question: Callable[[], T]) -> T:
        if self._loop is None:
            raise RuntimeError("the inbox is not running")

        async def answer() -> T:
            return question()

        return asyncio.run_coroutine_threadsafe(answer(), self._loop).result(_ANSWER_SECONDS)

    async def _run(self, started: threading.Event) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        try:
            await self._service.start()
        except CannotListen as error:
            self._failure = error
            return
        finally:
            started.set()
        await self._stopping.wait()
        await self._service.stop()
