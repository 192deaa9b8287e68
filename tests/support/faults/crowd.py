"""People who register through the API while it fails: each tries again until promised a letter, as a client would."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self

import httpx

from support.certificates import NOBODY
from support.eventually import eventually
from support.faults.evidence import Answer
from support.people import PASSWORD

_CALLS_AT_ONCE = 6
_CALL_SECONDS = 20.0


class Crowd:
    """Registers in the background from the beginning of the block; at its end everybody has a promise.

    Attributes:
        people: who registers.
        receipts: promises by person.
        answers: of the API, also refusals and silence.
        tries: by person.
    """

    def __init__(
        self, api: str, people: Sequence[str], *, pause: float = 0.3, patience: float = 180.0
    ) -> None:
        self._api = api
        self._pause = pause
        self._patience = patience
        self._pool = ThreadPoolExecutor(_CALLS_AT_ONCE)
        self._local = threading.local()
        self._leaving = threading.Event()
        self._futures: list[Future[None]] = []
        self._clients: list[httpx.Client] = []
        self.people = people
        self.receipts: dict[str, str] = {}
        self.answers: list[Answer] = []
        self.tries: dict[str, int] = {}

    def __enter__(self) -> Self:
        self._futures = [self._pool.submit(self._insist, person) for person in self.people]
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._leaving.set()
        try:
            for future in self._futures:
                future.result()
        finally:
            self._pool.shutdown()
            for client in self._clients:
                client.close()

    def wait_for(self, accepted: int, *, within: float = 90.0) -> None:
        """Return once that many have a promise."""
        eventually(lambda: len(self.receipts) >= accepted, within=within)

    def wait_for_answers(self, status: int | None, *, count: int = 1, within: float = 60.0) -> None:
        """Return once the API has answered so, that often, from now on; None is silence."""
        before = len(self.answers)

        def heard() -> bool:
            return sum(answer.status == status for answer in self.answers[before:]) >= count

        eventually(heard, within=within)

    def _insist(self, person: str) -> None:
        give_up = time.monotonic() + self._patience
        while not self._leaving.is_set():
            if self._try(person):
                return
            assert time.monotonic() < give_up, f"no promise within {self._patience} s"
            self._leaving.wait(self._pause)

    def _try(self, person: str) -> bool:
        self.tries[person] = self.tries.get(person, 0) + 1
        started = time.monotonic()
        answer: httpx.Response | None = None
        try:
            body = {"email": person, "password": PASSWORD}
            answer = self._client().post("/v1/registrations", json=body)
        except httpx.TransportError:
            self._client().close()
            self._local.client = None
        status = answer.status_code if answer else None
        self.answers.append(Answer(seconds=time.monotonic() - started, status=status))
        if answer is None or status != 202:
            return False
        self.receipts[person] = str(answer.json()["receipt"])
        return True

    def _client(self) -> httpx.Client:
        client: httpx.Client | None = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = httpx.Client(
                base_url=self._api, timeout=_CALL_SECONDS, verify=NOBODY
            )
            self._clients.append(client)
        return client
