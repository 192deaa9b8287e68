"""Row 30: what strangers try on a running stack with the default limits, and what the mailboxes have afterwards."""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import count

import httpx
import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from dev_inbox.parts import read_parts
from postern_local.ports import any_ports
from support.altcha_client import solve
from support.eventually import eventually
from support.faults.gathering import rows
from support.faults.matrix import row
from support.faults.scenario import Scenario
from support.faults.strangers import (
    AT_ONCE,
    DEFAULT_LIMITS,
    RESEND,
    VERIFY,
    Answer,
    Strangers,
    a_minute_passes,
    let_pass,
    variants,
)
from support.people import CODE, LINK, PASSWORD, Gate, on_the_wire

DEADLINE = 8.0
ENOUGH = 60
"""Registrations that nobody confirms and that count as a campaign."""
HERS = PASSWORD
MINUTES_AN_HOUR, HOURS_A_DAY = 5, 2
"""Rounds in which a mailbox may have a letter: one a minute, five an hour, ten a day."""


def besieged(scenario: Scenario) -> Strangers:
    """Start the API anew, two processes with the limits that it has by default, and everybody who is up to no good."""
    services = scenario.services
    services.stop("api")
    ports = [any_ports({}), any_ports({})]
    listening = [f"127.0.0.1:{one['api']}" for one in ports]
    for number, listen in enumerate([services.at.listen("api"), *listening[:1]]):
        here = {"AUTH_LISTEN": listen, "AUTH_API_WORKERS": "1"}
        if number:
            here["AUTH_OPS_LISTEN"] = f"127.0.0.1:{ports[1]['api']}"
        services.start("api", env=DEFAULT_LIMITS | here)
    apis = [services.at.listen("api"), listening[0]]
    eventually(lambda: all(_answers(api) for api in apis), within=60)
    return Strangers(apis=apis)


def _answers(api: str) -> bool:
    try:
        return httpx.get(f"http://{api}/healthz", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def letters_to(scenario: Scenario, people: Iterable[str]) -> int:
    """How many letters these spellings have in their mailboxes, to the letter."""
    wanted = {on_the_wire(person) for person in people}
    return sum(not wanted.isdisjoint(message.recipients) for message in scenario.peer.messages())


def newest_text(scenario: Scenario, person: str) -> str:
    return next(
        read_parts(message.raw).text or ""
        for message in scenario.peer.messages()
        if person in message.recipients
    )


def texts(scenario: Scenario, person: str) -> list[str]:
    """Every letter in a mailbox, newest first."""
    return [
        read_parts(message.raw).text or ""
        for message in scenario.peer.messages()
        if person in message.recipients
    ]


def link_in(text: str) -> str:
    (link,) = {found for found in LINK.findall(text) if "/verify" in found}
    return str(link).partition("#token=")[2]


def password_of(scenario: Scenario, email: str, candidates: Sequence[str]) -> str | None:
    """Which of these passwords opens the account of an address; None where there is no account."""
    found = rows(
        scenario.services.at.auth_database,
        "SELECT password_hash FROM accounts WHERE canonical_email = %s",
        email,
    )
    for (hashed,), candidate in ((one, candidate) for one in found for candidate in candidates):
        try:
            PasswordHasher().verify(hashed, candidate)
        except VerifyMismatchError:
            continue
        return candidate
    assert not found, "the account has a password that nobody in this test has typed"
    return None


def strangers_of(scenario: Scenario, people: int) -> list[str]:
    """New addresses, each a mailbox of its own also where tags and dots are folded."""
    return [person.replace("+", "_") for person in scenario.people(people)]


def finish(scenario: Scenario, strangers: Strangers, promised: Iterable[str]) -> None:
    """Settle, with the letters that these people were promised; no answer was late."""
    scenario.asked.update(dict.fromkeys(promised))
    scenario.healed()
    scenario.settle()
    reached = {recipient for message in scenario.peer.messages() for recipient in message.recipients}
    without = [person for person in scenario.asked if on_the_wire(person) not in reached]
    assert not without, "promised a letter and got none"
    assert max(answer.seconds for answer in strangers.answers) < DEADLINE
    statuses = Counter(answer.status for answer in strangers.answers)
    print(f"\n{len(strangers.answers)} requests of strangers: {dict(sorted(statuses.items()))}")


def assert_admitted(answers: Sequence[Answer], count: int) -> None:
    """Exactly so many were let in; of those that were told to come back later any may have been counted."""
    statuses = Counter(answer.status for answer in answers)
    assert statuses[202] <= count <= statuses[202] + statuses[503], statuses


def assert_alike(by_standing: dict[str, list[Answer]], statuses: set[int]) -> None:
    """What a stranger sees has the same shapes whatever the standing; what is too busy is not about anybody."""
    seen = {
        standing: {answer.shape for answer in answers if answer.status != 503}
        for standing, answers in by_standing.items()
    }
    assert {status for shapes in seen.values() for status, *_ in shapes} == statuses
    first, *others = seen.values()
    assert all(shapes == first for shapes in others), seen


@pytest.mark.timeout(1800)
@row(30, "bombing: a mailbox each of an owner, a newcomer and nobody, by fifty at once", quick=True)
def test_a_mailbox_gets_exactly_what_it_may_however_many_ask(scenario: Scenario) -> None:
    scenario.up()
    sieges = scenario.size(2, 1)
    owners = [f"owner{n}ofthehouse@example.com" for n in range(sieges)]
    newcomers = [f"newcomer{n}tothetown@example.com" for n in range(sieges)]
    nobodies = [f"nobody{n}livesthere@example.com" for n in range(sieges)]
    with Gate(scenario.services.api) as gate:
        for person in (*owners, *newcomers):
            gate.register(person)
        for person in owners:
            eventually(lambda person=person: letters_to(scenario, [person]), within=30)  # type: ignore[misc]
            assert gate.verify(of=person, token=link_in(newest_text(scenario, person))).status_code == 200
        eventually(lambda: all(letters_to(scenario, [person]) for person in newcomers), within=30)
    strangers = besieged(scenario)
    passwords = (f"a stranger's guess {n}" for n in count())
    for siege in zip(owners, newcomers, nobodies, strict=True):
        _besiege(scenario, strangers, siege, passwords)
        let_pass(scenario.services.at.auth_database, timedelta(days=1, hours=1))
    promised = [*newcomers, *(one for person in (*owners, *nobodies) for one in variants(person, AT_ONCE))]
    finish(scenario, strangers, filter(lambda one: letters_to(scenario, [one]), promised))
    assert all(password_of(scenario, person, [HERS]) == HERS for person in owners)
    assert not any(password_of(scenario, person, []) for person in (*newcomers, *nobodies))


def _besiege(
    scenario: Scenario, strangers: Strangers, people: tuple[str, str, str], passwords: Iterable[str]
) -> None:
    database = scenario.services.at.auth_database
    owner, newcomer, nobody = people
    mailboxes = [variants(owner, AT_ONCE), [newcomer], variants(nobody, AT_ONCE)]
    before = [letters_to(scenario, spellings) for spellings in mailboxes]
    may_have = 0
    for hour in range(scenario.size(HOURS_A_DAY + 1, 1)):
        for minute in range(scenario.size(MINUTES_AN_HOUR + 1, 2)):
            may_have += hour < HOURS_A_DAY and minute < MINUTES_AN_HOUR
            registrations = {
                "verified": [
                    strangers.register(to, word) for to, word in zip(mailboxes[0], passwords, strict=False)
                ],
                "unknown": [
                    strangers.register(to, word) for to, word in zip(mailboxes[2], passwords, strict=False)
                ],
            }
            answers = {standing: strangers.all_ask(requests) for standing, requests in registrations.items()}
            if hour or minute:  # nobody is a newcomer, too, from the first minute on
                assert_alike(answers, {202})
            again = strangers.all_ask([strangers.request(RESEND, email=newcomer) for _ in range(AT_ONCE)])
            assert {answer.status for answer in again} <= {202, 503}
            expected = [had + may_have for had in before]
            eventually(
                lambda expected=expected: [letters_to(scenario, one) for one in mailboxes] == expected,  # type: ignore[misc]
                within=60,
            )
            a_minute_passes(database)
        let_pass(database, timedelta(hours=1))


@pytest.mark.timeout(1800)
@row(30, "strangers mailed through the sign-up form: from one source, then from everywhere", quick=True)
def test_a_sign_up_form_mails_no_more_strangers_than_the_limits_say(scenario: Scenario) -> None:
    scenario.up()
    strangers = besieged(scenario)
    database = scenario.services.at.auth_database
    promised: list[str] = []
    one_source = strangers.new_source()
    people = strangers_of(scenario, scenario.size(300, 60))
    answers = strangers.all_ask([strangers.register(to, PASSWORD, source=one_source) for to in people])
    assert all(
        answer.json["code"] in {"rate_limited", "too_busy"} for answer in answers if answer.status != 202
    )
    assert all("Retry-After" in dict(answer.headers) for answer in answers if answer.status == 429)
    assert_admitted(answers, 30)  # an hour for one source, wherever it says it is
    promised += [to for to, answer in zip(people, answers, strict=True) if answer.status == 202]
    for _ in range(scenario.size(5, 1)):
        a_minute_passes(database)
        people = strangers_of(scenario, scenario.size(400, 160))
        answers = strangers.all_ask([strangers.register(to, PASSWORD) for to in people])
        asked = [answer.json for answer in answers if answer.status == 428]
        assert_admitted(answers, 120)  # a minute need no proof of work
        promised += [to for to, answer in zip(people, answers, strict=True) if answer.status == 202]
        proved = strangers_of(scenario, 3)
        worked = [
            strangers.register(to, PASSWORD, proof=solve(problem))
            for to, problem in zip(proved, asked, strict=False)
        ]
        assert [answer.status for answer in strangers.all_ask(worked)] == [202] * len(worked)
        promised += [str(one.body["email"]) for one in worked]
    while len(promised) < ENOUGH:  # on a busy machine many were told to come back later
        a_minute_passes(database)
        people = strangers_of(scenario, 20)
        answers = strangers.all_ask([strangers.register(to, PASSWORD) for to in people])
        promised += [to for to, answer in zip(people, answers, strict=True) if answer.status == 202]
    let_pass(database, timedelta(minutes=6))

    def campaign_is_noticed() -> bool:
        """A process looks every few seconds; each is asked."""
        two = strangers_of(scenario, 2)
        answers = strangers.all_ask([strangers.register(to, PASSWORD) for to in two])
        promised.extend(to for to, answer in zip(two, answers, strict=True) if answer.status == 202)
        return all(answer.status == 428 for answer in answers)

    eventually(campaign_is_noticed, within=30, every=1)
    people = strangers_of(scenario, scenario.size(400, 60))
    answers = strangers.all_ask([strangers.register(to, PASSWORD) for to in people])
    assert {answer.status for answer in answers} == {428}, "few confirm: nobody registers without a proof"
    finish(scenario, strangers, promised)
    assert letters_to(scenario, promised) == len(promised)
    assert letters_to(scenario, people) == 0


@pytest.mark.timeout(1800)
@row(30, "codes guessed by fifty at once, between resends", quick=True)
def test_codes_are_not_guessed_even_by_whoever_has_them_after_the_twentieth_try(scenario: Scenario) -> None:
    scenario.up()
    people = scenario.size(12, 2)
    victims = [f"victim{n}of.guessing@example.com" for n in range(people)]
    owners = [f"owner{n}of.a.house@example.com" for n in range(people)]
    with Gate(scenario.services.api) as gate:
        for person in (*owners, *victims):
            gate.register(person)
        eventually(lambda: letters_to(scenario, [*owners, *victims]) == 2 * people, within=60)
        for person in owners:
            assert gate.verify(of=person, token=link_in(newest_text(scenario, person))).status_code == 200
        secrets = dict(gate.secrets)
    strangers = besieged(scenario)
    chance = random.Random(scenario.seed)  # noqa: S311 - repeatable on purpose
    his = "the password of a guesser"
    for victim, owner in zip(victims, owners, strict=True):
        for _ in range(scenario.size(5, 2)):
            nobody = f"nobody{chance.randrange(10**9)}@example.com"
            answers = {
                standing: strangers.all_ask(
                    [
                        strangers.request(
                            VERIFY, email=email, code=f"{chance.randrange(10**8):08}", password=his
                        )
                        for _ in range(AT_ONCE)
                    ]
                )
                for standing, email in (("unverified", victim), ("verified", owner), ("unknown", nobody))
            }
            assert_alike(answers, {400})
            letters = letters_to(scenario, [victim])
            assert strangers.ask(strangers.request(RESEND, email=victim)).status == 202
            eventually(lambda before=letters: letters_to(scenario, [victim]) == before + 1, within=30)  # type: ignore[misc]  # noqa: B023
            a_minute_passes(scenario.services.at.auth_database)
        for text in texts(scenario, victim):
            found = CODE.search(text.replace(f"#token={link_in(text)}", ""))
            assert found, text
            right = strangers.request(VERIFY, email=victim, code="".join(found.groups()), password=his)
            wrong = strangers.request(VERIFY, email=victim, code="00000000", password=his)
            assert_alike({"right": [strangers.ask(right)], "wrong": [strangers.ask(wrong)]}, {400})
    finish(scenario, strangers, victims)
    with Gate(scenario.services.api) as gate:
        gate.secrets = secrets
        for victim in victims:
            assert gate.verify(of=victim, token=link_in(newest_text(scenario, victim))).status_code == 200
            assert password_of(scenario, victim, [HERS, his]) == HERS


LOOK_ALIKES = {"k": "\u212a", "s": "\u017f", "a": "\u0430", "e": "\u0435", "o": "\u03bf"}


def look_alikes(email: str) -> list[str]:
    """Spellings that a person, a font or a library may take for this one."""
    local, _, domain = email.rpartition("@")
    letters = [local.replace(letter, other) for letter, other in LOOK_ALIKES.items()]
    hidden = [f"{local[:3]}{mark}{local[3:]}" for mark in "\u034f\u115f\u200d\u2060\ufe0f\u2800\u00ad"]
    wide = "".join(chr(ord(letter) + 0xFEE0) if letter.isalnum() else letter for letter in local)
    others = [wide, local.replace("ss", "ß"), f'"{local}"', f"{local}\u0301", f"=?utf-8?q?{local}?="]
    return [f"{one}@{domain}" for one in (*letters, *hidden, *others) if one != local]


@pytest.mark.timeout(1800)
@row(30, "look-alikes, and registrations before and after hers", quick=True)
def test_nobody_gets_into_an_account_on_somebody_elses_address(scenario: Scenario) -> None:
    scenario.up()
    strangers = besieged(scenario)
    database = scenario.services.at.auth_database
    victims = [f"mark.k{n}.strasse@example.com" for n in range(scenario.size(40, 3))]
    his = "the password of a hijacker"
    promised: list[str] = []
    for victim in victims:
        doubles = look_alikes(victim)
        answers = strangers.all_ask([strangers.register(double, his) for double in doubles])
        assert {answer.status for answer in answers} <= {202, 422}
        promised += [double for double, answer in zip(doubles, answers, strict=True) if answer.status == 202]
        receipts = _hijack(scenario, strangers, victim, his)
        was_hers = _press_any(scenario, victim, receipts.pop(), strangers)
        promised.append(victim)
        assert password_of(scenario, victim, [HERS, his]) == HERS
        told = [_receipt_of(answer, strangers) for answer in receipts]
        assert told.count("confirmed") == int(not was_hers), "only the registration whose button she pressed"
        let_pass(database, timedelta(hours=25))
    eventually(lambda: letters_to(scenario, promised) >= len(promised), within=60)
    for double in set(promised) - set(victims):
        token = link_in(newest_text(scenario, double))
        answer = strangers.ask(strangers.request(VERIFY, token=token, password=his))
        assert (answer.status, answer.json.get("email")) == (200, double), "their own mailbox, and no other"
    finish(scenario, strangers, promised)
    assert all(password_of(scenario, victim, [HERS, his]) == HERS for victim in victims)


def _hijack(scenario: Scenario, strangers: Strangers, victim: str, his: str) -> list[Answer]:
    """Strangers register before and after her, each getting their letter into her mailbox; hers is the last answer given."""
    order = ["stranger", "stranger", "she", "stranger"]
    random.Random(f"{scenario.seed}/{victim}").shuffle(order)  # noqa: S311 - repeatable on purpose
    answers: dict[str, list[Answer]] = {"stranger": [], "she": []}
    for number, who in enumerate(order, start=1):
        words = HERS if who == "she" else f"{his} {number}"
        answer = strangers.ask(strangers.register(victim, words))
        assert answer.status == 202
        answers[who].append(answer)
        eventually(lambda number=number: letters_to(scenario, [victim]) == number, within=30)  # type: ignore[misc]
        a_minute_passes(scenario.services.at.auth_database)
    return [*answers["stranger"], *answers["she"]]


def _press_any(scenario: Scenario, victim: str, hers: Answer, strangers: Strangers) -> bool:
    """She presses the button of any letter she finds, and types her own password if asked for one; whether it was hers."""
    token = link_in(random.Random(f"{scenario.seed}/{victim}").choice(texts(scenario, victim)))  # noqa: S311
    secret = hers.json["registration_secret"]
    answer = strangers.ask(strangers.request(VERIFY, token=token, registration_secret=secret))
    if answer.status == 200:
        return True
    assert answer.json["code"] == "password_needed"
    assert strangers.ask(strangers.request(VERIFY, token=token, password=HERS)).status == 200
    return False


def _receipt_of(registration: Answer, strangers: Strangers) -> str:
    receipt = registration.json["receipt"]
    answer = httpx.get(f"http://{strangers.apis[0]}/v1/receipts/{receipt}", timeout=20)
    return str(answer.raise_for_status().json()["state"])
