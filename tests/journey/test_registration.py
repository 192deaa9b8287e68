"""The journey on the stack as `make run` starts it: register, read the letter, verify."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from support.people import PASSWORD, Gate, Mailbox, addresses

ANOTHER = f"{PASSWORD}, or so"


def test_fifty_people_get_one_letter_each_and_every_link_and_code_works_once(
    gate: Gate, mailbox: Mailbox
) -> None:
    people = addresses(50)
    with ThreadPoolExecutor(8) as pool:
        receipts = dict(zip(people, pool.map(gate.register, people), strict=True))
    for n, address in enumerate(people):
        (letter,) = mailbox.wait_for(address)
        proof = {"token": letter.token} if n % 2 else {"code": letter.code}
        answer = gate.verify(of=address, **proof)
        assert answer.status_code == 200, (address, answer.text)
        assert answer.json()["email"] == address
        assert gate.verify(of=address, **proof).text == answer.text
        assert gate.verify(of=address, password=ANOTHER, **proof).status_code in {400, 410}
        gate.wait_until(receipts[address], "confirmed")
    assert Counter(len(mailbox.summaries(address)) for address in people) == {1: 50}


def test_the_letter_speaks_the_language_asked_for_and_says_the_same_in_text_and_html(
    gate: Gate, mailbox: Mailbox
) -> None:
    english, vietnamese, regional, other = addresses(4)
    for address, locale in ((english, "en"), (vietnamese, "vi"), (regional, "vi-VN"), (other, "fr")):
        gate.register(address, locale=locale)
    subjects = [mailbox.wait_for(address)[0].subject for address in (english, vietnamese, regional, other)]
    assert subjects[0] == subjects[3]
    assert subjects[1] == subjects[2] != subjects[0]
    (letter,) = mailbox.letters(vietnamese)
    assert letter.link in letter.html
    assert 'lang="vi"' in letter.html


def test_a_receipt_tells_the_story_in_order(gate: Gate, mailbox: Mailbox) -> None:
    (address,) = addresses(1)
    receipt = gate.register(address)
    mailbox.wait_for(address)
    story = gate.wait_until(receipt, "sent")
    times = [entry["at"] for entry in story["timeline"]]
    states = [entry["state"] for entry in story["timeline"]]
    assert times == sorted(times)
    assert states[0] == "accepted"
    assert states[-1] == "sent"
    assert "queued" in states


def test_a_new_letter_voids_the_link_and_the_code_of_the_older_one(gate: Gate, mailbox: Mailbox) -> None:
    (address,) = addresses(1)
    gate.register(address)
    (first,) = mailbox.wait_for(address)
    gate.wait_until(gate.resend(address), "sent")
    second, _ = mailbox.wait_for(address, count=2)
    assert second.token != first.token
    assert gate.verify(of=address, token=first.token).status_code == 410
    assert gate.verify(of=address, code=second.code).status_code == 200


def test_registering_a_verified_address_again_sends_its_owner_a_notice_and_changes_nothing(
    gate: Gate, mailbox: Mailbox
) -> None:
    (address,) = addresses(1)
    gate.register(address)
    (letter,) = mailbox.wait_for(address)
    assert gate.verify(of=address, token=letter.token).status_code == 200
    gate.wait_until(gate.register(address, password=ANOTHER), "sent")
    notice, _ = mailbox.wait_for(address, count=2)
    assert notice.subject != letter.subject
    assert "/verify#token=" not in notice.source


def test_a_request_with_nothing_to_send_looks_like_any_other(gate: Gate, mailbox: Mailbox) -> None:
    stranger, known = addresses(2)
    gate.register(known)
    mailbox.wait_for(known)
    gate.secrets.clear()
    stories = [gate.receipt(gate.resend(address)) for address in (stranger, known)]
    mailbox.wait_for(known, count=2)
    for story in stories:
        assert [entry["state"] for entry in story["timeline"]] == ["accepted"]
    assert mailbox.summaries(stranger) == []


def test_a_reader_without_the_registrations_secret_chooses_the_password_that_counts(
    gate: Gate, mailbox: Mailbox
) -> None:
    (address,) = addresses(1)
    receipt = gate.register(address, password=ANOTHER)
    (letter,) = mailbox.wait_for(address)
    gate.secrets.clear()
    answer = gate.verify(of=address, token=letter.token)
    assert (answer.status_code, answer.json()["code"]) == (409, "password_needed")
    assert gate.verify(of=address, token=letter.token, password=PASSWORD).status_code == 200
    gate.wait_until(receipt, "confirmed")
