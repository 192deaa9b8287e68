"""Tokens whose end is known before the fault: used and replaced ones must be refused after it, too."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx

from dev_inbox.mailbox import Message
from dev_inbox.parts import read_parts
from dev_inbox.server import Inbox
from support.certificates import NOBODY
from support.eventually import eventually
from support.faults.crowd import Crowd
from support.faults.evidence import Trust
from support.people import LINK, PASSWORD

_SECONDS = 20.0
_ANOTHER = f"{PASSWORD}, or so"


@dataclass(slots=True, kw_only=True)
class OldTokens:
    """Tokens that were once good, by what became of them."""

    by_fate: dict[str, str] = field(default_factory=dict)

    def prepare(self, api: str, peer: Inbox, people: Sequence[str]) -> None:
        """Have one used up and one replaced by a newer, by two people; everything works yet."""
        uses, replaces = people
        used = _ask_and_read(api, peer, uses, _registration(uses))
        assert _verify(api, used) == 200
        replaced = _ask_and_read(api, peer, replaces, _registration(replaces))
        _resend_and_read(api, peer, replaces)
        self.by_fate = {"a used token": used, "a replaced token": replaced}

    def try_all(self, api: str, peer: Inbox, crowds: Sequence[Crowd]) -> tuple[Trust, ...]:
        """Try these, and twice one that the run itself made."""
        tried = [
            Trust(what=what, good=False, status=_verify(api, token, _ANOTHER))
            for what, token in self.by_fate.items()
        ]
        fresh = _one_of(crowds, peer)
        if fresh is not None:
            tried.append(Trust(what="a fresh token", good=True, status=_verify(api, fresh)))
            tried.append(Trust(what="the same token again", good=False, status=_verify(api, fresh, _ANOTHER)))
        return tuple(tried)


def _one_of(crowds: Sequence[Crowd], peer: Inbox) -> str | None:
    """A token that only one letter can have replaced: of somebody who had to ask only once."""
    for crowd in crowds:
        for person in crowd.receipts:
            mail = _mail_to(person, peer)
            if crowd.tries[person] == 1 and mail:
                return _token_in(mail[0])
    return None


def _registration(person: str) -> dict[str, str]:
    return {"email": person, "password": PASSWORD}


def _resend_and_read(api: str, peer: Inbox, person: str) -> str:
    """Have the person's registration, made a moment ago, sent again by its secret."""
    again = httpx.post(f"{api}/v1/registrations", json=_registration(person), timeout=_SECONDS, verify=NOBODY)
    secret = str(again.json()["registration_secret"])
    return _ask_and_read(api, peer, person, {"registration_secret": secret}, path="/resend")


def _ask_and_read(api: str, peer: Inbox, person: str, body: dict[str, str], *, path: str = "") -> str:
    before = len(_mail_to(person, peer))
    answer = httpx.post(f"{api}/v1/registrations{path}", json=body, timeout=_SECONDS, verify=NOBODY)
    assert answer.status_code == 202, answer.text
    eventually(lambda: len(_mail_to(person, peer)) > before, within=30)
    return _token_in(_mail_to(person, peer)[0])


def _verify(api: str, token: str, password: str = PASSWORD) -> int:
    """Press the button and choose a password; the same one again within ten minutes gets the same answer."""
    body = {"token": token, "password": password}
    return httpx.post(f"{api}/v1/verifications", json=body, timeout=_SECONDS, verify=NOBODY).status_code


def _mail_to(person: str, peer: Inbox) -> list[Message]:
    return peer.messages(to=person)


def _token_in(message: Message) -> str:
    (link,) = set(LINK.findall(read_parts(message.raw).text or ""))
    return str(link).partition("#token=")[2]
