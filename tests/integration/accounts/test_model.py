"""② A model of accounts: whatever people, strangers, operators and time do in whatever order, the API answers as it predicts."""

import hashlib
import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from werkzeug.test import TestResponse

from auth_service.db.transactions import Transactions
from auth_service.domain.account_import import ImportedPerson
from auth_service.domain.address import Address
from auth_service.errors import NoSuchAccount
from auth_service.flows.account_letters import AccountLetters
from auth_service.flows.delete_account import EraseAccount
from auth_service.flows.import_accounts import ImportAccounts
from auth_service.flows.operate_accounts import OperateAccounts
from auth_service.flows.read_person import ReadPerson
from auth_service.security.secrets import KeyedHash
from mail_contract.letters import LetterName
from mail_contract.messages import Envelope
from service_runtime.database.engine import build_engine, build_sessions
from support.auth_api import HASH_KEY, PASSWORD, AuthApi, WrittenLetter
from support.signed_in import hash_of

EXAMPLES: Final = int(os.environ.get("POSTERN_MODEL_EXAMPLES", "50"))
STEPS: Final = 15
GRACE_SECONDS: Final = 8.0
"""Of the ten in which a refresh token may come again: a busy machine must not be taken for somebody late."""
WHO = st.integers(min_value=0, max_value=2)
YES_OR_NO = st.booleans()


@dataclass(slots=True, kw_only=True, eq=False)
class Account:
    """As the model has it; `letters` are those of which its person was told without asking, or asked for."""

    id: str
    address: str
    password: str | None
    disabled: bool = False
    deleted: bool = False
    letters: Counter[str] = field(default_factory=Counter)
    former: list[tuple[str, int]] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return not (self.disabled or self.deleted)


@dataclass(slots=True, kw_only=True, eq=False)
class Registration:
    """Times are hours; `order` counts all that ever happened."""

    address: str
    password: str
    chosen: str
    secret: str
    letter: WrittenLetter | None
    at: int
    order: int
    ended: bool
    used_at: int | None = None
    used_with: str | None = None
    forgotten: bool = False
    tries: int = 0

    @property
    def link(self) -> str | None:
        return None if self.letter is None else self.letter.contents.context.get("link")


@dataclass(slots=True, kw_only=True, eq=False)
class Link:
    """Of a reset, a sign-in, a change of address or its way back."""

    kind: str
    token: str
    account: Account
    mailbox: str
    hours: int
    at: int
    order: int
    password: str = ""
    former: str = ""
    used_at: int | None = None
    void: bool = False


@dataclass(slots=True, kw_only=True, eq=False)
class OpenSession:
    """Also one that has ended."""

    account: Account
    access: str
    refresh: str
    auth_at: int
    is_open: bool = True
    before: tuple[str, int, float] | None = None


class Accounts(RuleBasedStateMachine):
    """Three addresses of its own, and everybody who may want one."""

    api: AuthApi
    numbers: Iterator[int]

    def __init__(self) -> None:
        super().__init__()
        n = next(self.numbers)
        self.addresses = [f"{who}{n}@example.com" for who in "abc"]
        self.accounts: dict[str, Account] = {}
        self.registrations: list[Registration] = []
        self.links: list[Link] = []
        self.sessions: list[OpenSession] = []
        self.refused: set[str] = set()
        self.hour = 0
        self.serial = count()
        transactions = Transactions(self.pool)
        keyed_hash = KeyedHash(HASH_KEY)
        letters = AccountLetters(
            writer=self.api.sign_up_letters.writer, sign_in_url=self.api.sign_up_letters.sign_in_url
        )
        erase = EraseAccount(transactions=transactions, keyed_hash=keyed_hash, letters=letters)
        self.operator = OperateAccounts(
            transactions=transactions, keyed_hash=keyed_hash, letters=letters, erase=erase, by="bao"
        )
        self.imports = ImportAccounts(transactions=transactions, keyed_hash=keyed_hash, by="bao")
        self.people = ReadPerson(transactions=transactions, keyed_hash=keyed_hash)

    pool: Any

    # What is asked of the API, and what it answers

    def post(self, path: str, body: dict[str, str], *, expected: int, by: OpenSession | None = None) -> Any:
        headers = {} if by is None else {"Authorization": f"Bearer {by.access}"}
        answer: TestResponse = self.api.app.test_client().post(path, json=body, headers=headers)
        while answer.status_code == 503:  # a busy machine: come again
            answer = self.api.app.test_client().post(path, json=body, headers=headers)
        assert answer.status_code == expected, (path, expected, answer.status_code, answer.text)
        return answer.get_json(silent=True)

    def letter(self, condition: str, value: object) -> WrittenLetter | None:
        rows = self.api.sql(
            "SELECT payload FROM outbox JOIN letters ON letters.id = letter_id"
            f" WHERE kind = 'letter' AND {condition} ORDER BY letters.created_at DESC LIMIT 1",
            value,
        )
        if not rows:
            return None
        envelope = Envelope.model_validate(rows[0][0])
        return WrittenLetter(envelope=envelope, contents=self.api.opener.open(envelope))

    def asked_for(self, answer: dict[str, Any]) -> WrittenLetter | None:
        digest = hashlib.sha256(answer["receipt"].encode()).digest()
        return self.letter("receipt_hash = %s", digest)

    def told(self, account: Account, name: LetterName) -> WrittenLetter:
        account.letters[name.value] += 1
        letter = self.letter(f"letter = '{name.value}' AND letters.account_id = %s", account.id)
        assert letter is not None, name
        return letter

    def is_expired(self, link: Link) -> bool:
        return self.hour - link.at >= link.hours

    def is_good(self, link: Link) -> bool:
        return link.used_at is None and not link.void and not self.is_expired(link)

    def shut_other_ways_in(self, account: Account, *, keep: OpenSession | None = None) -> None:
        for session in self.sessions:
            if session.account is account and session is not keep:
                session.is_open = False
        self.void(account)

    def void(self, account: Account) -> None:
        for link in self.links:
            if link.account is account and link.kind != "revert" and link.used_at is None:
                link.void = True

    def overtake(self, address: str) -> None:
        for registration in self.registrations:
            if registration.address == address:
                registration.ended = True

    def signed_in(self, account: Account, answer: dict[str, Any]) -> None:
        self.sessions.append(
            OpenSession(
                account=account,
                access=answer["access_token"],
                refresh=answer["refresh_token"],
                auth_at=self.hour,
            )
        )

    # Sign-up

    @rule(who=WHO)
    def register(self, who: int) -> None:
        """She does, or a stranger: nobody can tell."""
        address, n = self.addresses[who], next(self.serial)
        account = self.accounts.get(address)
        body = {"email": address, "password": f"{PASSWORD} {n}"}
        answer = self.post("/v1/registrations", body, expected=202)
        letter = self.asked_for(answer)
        assert (letter is None) == (address in self.refused)
        if letter is not None:
            name = LetterName.VERIFY_ADDRESS if account is None else LetterName.ACCOUNT_EXISTS
            assert letter.envelope.header.letter is name
            assert letter.contents.recipient == address
        self.registrations.append(
            Registration(
                address=address,
                password=body["password"],
                chosen=f"{PASSWORD} chosen {n}",
                secret=answer["registration_secret"],
                letter=letter,
                at=self.hour,
                order=n,
                ended=account is not None,
            )
        )

    @precondition(lambda self: any(each.link for each in self.registrations))
    @rule(data=st.data(), second=st.sampled_from(["registration_secret", "password", ""]))
    def verify_by_link(self, data: st.DataObject, second: str) -> None:
        registration = data.draw(st.sampled_from([each for each in self.registrations if each.link]))
        body = {"token": str(registration.link).split("#token=")[1]}
        if second:
            body[second] = registration.secret if second == "registration_secret" else registration.chosen
        account = self.accounts.get(registration.address)
        again = registration.used_at == self.hour and registration.used_with == second
        if registration.forgotten:
            expected = 400
        elif again:
            expected = 200
        elif registration.used_at is not None or registration.ended or self.hour - registration.at >= 24:
            expected = 410
        elif not second:
            expected = 409
        else:
            expected = 200 if account is None else 410
        self.post("/v1/verifications", body, expected=expected)
        if expected == 200 and not again:
            self.becomes_an_account(registration, second)

    @precondition(lambda self: any(self.has_good_code(each) for each in self.registrations))
    @rule(data=st.data())
    def verify_by_code(self, data: st.DataObject) -> None:
        good = [each for each in self.registrations if self.has_good_code(each)]
        registration = data.draw(st.sampled_from(good))
        assert registration.letter is not None
        body = {"email": registration.address, "code": registration.letter.code}
        self.post("/v1/verifications", body, expected=409)
        self.post("/v1/verifications", body | {"registration_secret": registration.secret}, expected=200)
        self.becomes_an_account(registration, "registration_secret")

    @rule(who=WHO)
    def guess_a_code(self, who: int) -> None:
        address = self.addresses[who]
        body = {"email": address, "code": "00000000", "password": PASSWORD}
        self.post("/v1/verifications", body, expected=400)
        for registration in self.registrations:
            registration.tries += registration.address == address

    def has_good_code(self, registration: Registration) -> bool:
        return (
            bool(registration.link)
            and not registration.ended
            and registration.tries < 5
            and self.hour - registration.at < 24
            and registration.address not in self.accounts
        )

    def becomes_an_account(self, registration: Registration, second: str) -> None:
        address = registration.address
        ((id_,),) = self.api.sql("SELECT id::text FROM accounts WHERE canonical_email = %s", address)
        password = registration.password if second == "registration_secret" else registration.chosen
        self.accounts[address] = Account(id=id_, address=address, password=password)
        registration.used_at, registration.used_with = self.hour, second
        self.overtake(address)

    @precondition(lambda self: any(each.letter for each in self.registrations))
    @rule(data=st.data())
    def refuse(self, data: st.DataObject) -> None:
        """She says that it wasn't her."""
        registration = data.draw(st.sampled_from([each for each in self.registrations if each.letter]))
        assert registration.letter is not None
        gone = registration.forgotten
        token = {"token": registration.letter.refusal_token}
        self.post("/v1/refusals", token, expected=400 if gone else 204)
        if not gone:
            self.refused.add(registration.address)
            registration.ended = True

    # Sessions

    @rule(who=WHO, right=YES_OR_NO)
    def sign_in(self, who: int, right: bool) -> None:
        account = self.accounts.get(self.addresses[who])
        known = account is not None and account.is_open and account.password is not None and right
        password = (account and account.password) or PASSWORD
        body = {"email": self.addresses[who], "password": password if right else f"not {password}"}
        answer = self.post("/v1/sessions", body, expected=201 if known else 401)
        if account is not None and known:
            self.signed_in(account, answer)

    @precondition(lambda self: bool(self.sessions))
    @rule(data=st.data())
    def refresh(self, data: st.DataObject) -> None:
        session = data.draw(st.sampled_from(self.sessions))
        body = {"refresh_token": session.refresh}
        answer = self.post("/v1/sessions/refresh", body, expected=200 if session.is_open else 401)
        if session.is_open:
            session.before = session.refresh, self.hour, time.monotonic()
            session.refresh, session.access = answer["refresh_token"], answer["access_token"]

    @precondition(lambda self: any(each.before for each in self.sessions))
    @rule(data=st.data())
    def refresh_with_the_former_token(self, data: st.DataObject) -> None:
        session = data.draw(st.sampled_from([each for each in self.sessions if each.before]))
        assert session.before is not None
        token, hour, used = session.before
        at_once = hour == self.hour
        if at_once and time.monotonic() - used > GRACE_SECONDS:
            return
        fine = session.is_open and at_once
        answer = self.post("/v1/sessions/refresh", {"refresh_token": token}, expected=200 if fine else 401)
        if fine:
            assert answer["refresh_token"] == session.refresh
        else:
            session.is_open = False

    @precondition(lambda self: bool(self.sessions))
    @rule(data=st.data())
    def read(self, data: st.DataObject) -> None:
        session = data.draw(st.sampled_from(self.sessions))
        headers = {"Authorization": f"Bearer {session.access}"}
        answer = self.api.app.test_client().get("/v1/account", headers=headers)
        assert answer.status_code == (200 if session.is_open else 401), answer.text
        if session.is_open:
            body, account = answer.get_json(), session.account
            assert (body["email"], body["has_password"]) == (account.address, account.password is not None)

    # Letters that let somebody in

    @rule(who=WHO, kind=st.sampled_from(["reset", "sign_in"]))
    def ask_for_a_letter(self, who: int, kind: str) -> None:
        address = self.addresses[who]
        path = "/v1/password-resets" if kind == "reset" else "/v1/sign-in-links"
        letter = self.asked_for(self.post(path, {"email": address}, expected=202))
        account = self.accounts.get(address)
        assert letter is not None
        assert letter.contents.decoy == (account is None or not account.is_open)
        if account is not None and account.is_open:
            account.letters[letter.envelope.header.letter.value] += 1
            self.add_link(kind, account, letter.link_token, mailbox=address, hours=1)

    def add_link(self, kind: str, account: Account, token: str, *, mailbox: str, hours: int) -> Link:
        n = next(self.serial)
        link = Link(
            kind=kind,
            token=token,
            account=account,
            mailbox=mailbox,
            hours=hours,
            at=self.hour,
            order=n,
            password=f"{PASSWORD} by link {n}",
        )
        self.links.append(link)
        return link

    def links_of(self, kind: str) -> list[Link]:
        return [link for link in self.links if link.kind == kind]

    @precondition(lambda self: bool(self.links_of("reset")))
    @rule(data=st.data())
    def reset(self, data: st.DataObject) -> None:
        link = data.draw(st.sampled_from(self.links_of("reset")))
        account, good = link.account, self.is_good(link) and link.mailbox == link.account.address
        again = link.used_at == self.hour and account.password == link.password
        again = again and link.mailbox == account.address
        body = {"token": link.token, "password": link.password}
        expected = 400 if not account.is_open else 204 if good or again else 410
        self.post("/v1/password-resets/confirm", body, expected=expected)
        if account.is_open and good:
            link.used_at, account.password = self.hour, link.password
            self.shut_other_ways_in(account)
            self.told(account, LetterName.PASSWORD_CHANGED)

    @precondition(lambda self: bool(self.links_of("sign_in")))
    @rule(data=st.data())
    def sign_in_by_link(self, data: st.DataObject) -> None:
        link = data.draw(st.sampled_from(self.links_of("sign_in")))
        account, good = link.account, self.is_good(link) and link.mailbox == link.account.address
        expected = 400 if not account.is_open else 201 if good else 410
        answer = self.post("/v1/sign-in-links/confirm", {"token": link.token}, expected=expected)
        if expected == 201:
            link.used_at = self.hour
            self.signed_in(account, answer)

    # The account changes

    def expected_of(self, session: OpenSession, *, right: bool = True) -> int:
        """What a call that asks for a proof answers, if nothing else is wrong; 0 if it is granted."""
        if not session.is_open:
            return 401
        if session.account.password is None:
            return 0 if session.auth_at == self.hour else 401
        return 0 if right else 403

    @precondition(lambda self: bool(self.sessions))
    @rule(data=st.data(), right=YES_OR_NO)
    def change_password(self, data: st.DataObject, right: bool) -> None:
        session = data.draw(st.sampled_from(self.sessions))
        account, refused = session.account, self.expected_of(session, right=right)
        body = {"password": f"{PASSWORD} changed {next(self.serial)}"}
        if account.password is not None:
            body["current_password"] = account.password if right else f"not {account.password}"
        answer = self.api.app.test_client().put(
            "/v1/account/password", json=body, headers={"Authorization": f"Bearer {session.access}"}
        )
        assert answer.status_code == (refused or 204), answer.text
        if not refused:
            account.password = body["password"]
            self.shut_other_ways_in(account, keep=session)
            self.told(account, LetterName.PASSWORD_CHANGED)

    @precondition(lambda self: bool(self.sessions))
    @rule(data=st.data(), who=WHO)
    def change_address(self, data: st.DataObject, who: int) -> None:
        session, new = data.draw(st.sampled_from(self.sessions)), self.addresses[who]
        account = session.account
        granted = session.is_open and session.auth_at == self.hour
        if granted and account.address == new:
            return
        expected = 202 if granted else 401
        answer = self.post("/v1/account/email", {"email": new}, expected=expected, by=session)
        if not granted:
            return
        for link in self.links_of("change"):
            link.void |= link.account is account and link.used_at is None
        letter, there = self.asked_for(answer), self.accounts.get(new)
        assert (letter is None) == (new in self.refused)
        if there is not None:
            if letter is not None:
                assert letter.envelope.header.letter is LetterName.ACCOUNT_EXISTS
            return
        account.letters[LetterName.CONFIRM_EMAIL.value] += 1
        if letter is not None:
            self.add_link("change", account, letter.link_token, mailbox=new, hours=24)

    @precondition(lambda self: bool(self.links_of("change")))
    @rule(data=st.data())
    def confirm_address(self, data: st.DataObject) -> None:
        link = data.draw(st.sampled_from(self.links_of("change")))
        account, body = link.account, {"token": link.token}
        own = [each for each in self.sessions if each.account is account and each.is_open]
        if not own and account.password is None:
            return
        if not own:
            body["password"] = account.password or ""
        again = link.used_at == self.hour and account.address == link.mailbox
        if not account.is_open:
            expected = 400
        elif again or (self.is_good(link) and link.mailbox not in self.accounts):
            expected = 200
        else:
            expected = 410
        self.post("/v1/email-changes/confirm", body, expected=expected, by=own[0] if own else None)
        if expected == 200 and not again:
            self.move(account, link)

    def move(self, account: Account, link: Link) -> None:
        former = account.address
        account.former.append((former, next(self.serial)))
        link.used_at = self.hour
        del self.accounts[former]
        account.address = link.mailbox
        self.accounts[link.mailbox] = account
        self.overtake(link.mailbox)
        self.void(account)
        token = self.told(account, LetterName.EMAIL_CHANGED).contents.context["revert"].split("#token=")[1]
        back = self.add_link("revert", account, token, mailbox=link.mailbox, hours=7 * 24)
        back.former = former

    @precondition(lambda self: bool(self.links_of("revert")))
    @rule(data=st.data())
    def take_the_change_back(self, data: st.DataObject) -> None:
        link = data.draw(st.sampled_from(self.links_of("revert")))
        account, there = link.account, self.accounts.get(link.former)
        again = link.used_at == self.hour
        good = self.is_good(link) and there in {None, account}
        expected = 400 if not account.is_open else 200 if again or good else 410
        self.post("/v1/email-changes/revert", {"token": link.token}, expected=expected)
        if expected != 200 or again:
            return
        link.used_at = self.hour
        for later in self.links_of("revert"):
            later.void |= later.account is account and later.order > link.order
        del self.accounts[account.address]
        account.address, account.password = link.former, None
        self.accounts[link.former] = account
        self.overtake(link.former)
        self.shut_other_ways_in(account)
        self.told(account, LetterName.EMAIL_CHANGE_UNDONE)
        reset = self.told(account, LetterName.RESET_PASSWORD)
        self.add_link("reset", account, reset.link_token, mailbox=link.former, hours=1)

    @precondition(lambda self: bool(self.sessions))
    @rule(data=st.data(), right=YES_OR_NO)
    def delete(self, data: st.DataObject, right: bool) -> None:
        session = data.draw(st.sampled_from(self.sessions))
        account, refused = session.account, self.expected_of(session, right=right)
        body = {}
        if account.password is not None:
            body["password"] = account.password if right else f"not {account.password}"
        self.post("/v1/account/deletion", body, expected=refused or 204, by=session)
        if not refused:
            self.forget(account)

    def forget(self, account: Account) -> None:
        del self.accounts[account.address]
        account.deleted = True
        self.shut_other_ways_in(account)
        addresses = [(account.address, next(self.serial)), *account.former]
        for registration in self.registrations:
            registration.forgotten |= any(
                registration.address == address and registration.order < until for address, until in addresses
            )

    # Operators and time

    @precondition(lambda self: bool(self.accounts))
    @rule(data=st.data(), what=st.sampled_from(["disable", "enable", "sign_out", "delete"]))
    def operate(self, data: st.DataObject, what: str) -> None:
        account = self.accounts[data.draw(st.sampled_from(sorted(self.accounts)))]
        operated = getattr(self.operator, what)(UUID(account.id))
        if what == "disable" and not account.disabled:
            account.disabled = True
            self.shut_other_ways_in(account)
            self.told(account, LetterName.ACCOUNT_DISABLED)
        elif what == "enable":
            assert operated.changed == account.disabled
            account.disabled = False
        elif what == "sign_out":
            for session in self.sessions:
                session.is_open &= session.account is not account
        elif what == "delete":
            self.forget(account)

    @rule(who=WHO)
    def bring_from_elsewhere(self, who: int) -> None:
        address, n = self.addresses[who], next(self.serial)
        digest = hashlib.sha256(f"{address} {n}".encode()).digest()
        person = ImportedPerson(
            line=1,
            address=Address(typed=address, canonical=address),
            password_hash=hash_of(PASSWORD),
            verified=True,
            locale="en",
            created_at=None,
        )
        self.imports.begin(digest)
        done, refused = self.imports.write_batch(digest, [person], first=0, last=True)
        assert (done.accounts, len(refused)) == ((0, 1) if address in self.accounts else (1, 0))
        if not refused:
            ((id_,),) = self.api.sql("SELECT id::text FROM accounts WHERE canonical_email = %s", address)
            self.accounts[address] = Account(id=id_, address=address, password=PASSWORD)
            self.overtake(address)

    @rule(who=WHO)
    def export(self, who: int) -> None:
        address = self.addresses[who]
        try:
            found = self.people(Address(typed=address, canonical=address), exported_by="bao")
        except NoSuchAccount:
            assert address not in self.accounts
            return
        account = self.accounts.get(address)
        assert [row["email"] for row in found["accounts"] if row["email"] == address] == (
            [] if account is None else [address]
        )

    @precondition(lambda self: self.hour < 100)
    @rule(hours=st.sampled_from([1, 25]))
    def time_passes(self, hours: int) -> None:
        columns = self.api.sql(
            "SELECT table_name, string_agg(format('%%1$I = %%1$I - interval ''%s hours''', column_name), ', ')"
            " FROM information_schema.columns WHERE table_schema = 'public' AND data_type LIKE 'timestamp%%'"
            " GROUP BY table_name",
            hours,
        )
        for table, changes in columns:
            self.api.sql(f"UPDATE {table} SET {changes}")
        self.hour += hours

    # What must be so after each step

    @invariant()
    def accounts_are_as_predicted(self) -> None:
        found = self.api.sql(
            "SELECT a.id::text, a.email, a.disabled_at IS NOT NULL, a.password_hash IS NOT NULL, (SELECT count(*)"
            " FROM sessions s WHERE s.account_id = a.id AND s.ended_at IS NULL) FROM accounts a"
            " WHERE a.canonical_email = ANY(%s) ORDER BY a.email",
            self.addresses,
        )
        assert found == [
            (
                account.id,
                address,
                account.disabled,
                account.password is not None,
                sum(each.is_open for each in self.sessions if each.account is account),
            )
            for address, account in sorted(self.accounts.items())
        ]

    @invariant()
    def letters_are_as_predicted(self) -> None:
        for account in self.accounts.values():
            found = self.api.sql(
                "SELECT letter, count(*) FROM letters WHERE account_id = %s"
                " AND letter NOT IN ('new_sign_in', 'account_exists') GROUP BY letter",
                account.id,
            )
            assert dict(found) == dict(account.letters)

    def teardown(self) -> None:
        # Time passes for everybody's rows: those of other examples only cost it.
        for table in ("outbox", "audit_events", "letters", "one_time_tokens", "registrations", "accounts"):
            self.api.sql(f"DELETE FROM {table}")


@pytest.mark.slow
@pytest.mark.timeout(max(180, 6 * EXAMPLES))
def test_accounts_do_what_the_model_predicts(api: AuthApi) -> None:
    pool = build_sessions(build_engine(api.database_url, application="test"))
    machine = type("Model", (Accounts,), {"api": api, "pool": pool, "numbers": count()})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[phase for phase in Phase if phase is not Phase.explain],
        ),
    )
