"""Nobody learns from an answer whether an address is known: not from its words, not from its length, not from what it does.

Nor from its time: test_timing.py, test_timing_at_once.py. Nor from a receipt later: test_polled_receipts.py.
"""

from collections.abc import Callable

from support.auth_api import PASSWORD, AuthApi
from support.same_shape import assert_same_shape
from support.standings import STANDINGS, address, people

REGISTRATIONS, RESEND, VERIFICATIONS = "/v1/registrations", "/v1/registrations/resend", "/v1/verifications"


def test_answers_have_one_shape_whatever_the_address_is(api: AuthApi) -> None:
    for standing in ("unverified", "verified"):
        people(api, standing, 3)
    assert_same_shape(
        {s: api.post(REGISTRATIONS, {"email": address(s, 0), "password": PASSWORD}) for s in STANDINGS}
    )
    assert_same_shape({s: api.post(RESEND, {"email": address(s, 1)}) for s in STANDINGS})
    refused = {s: api.post(VERIFICATIONS, {"email": address(s, 2), "code": "00000000"}) for s in STANDINGS}
    assert_same_shape(refused)
    assert len({answer.get_json()["title"] for answer in refused.values()}) == 1


def test_receipts_have_one_shape_whatever_the_address_is(api: AuthApi) -> None:
    for standing in ("unverified", "verified"):
        people(api, standing, 1)
    registered = {standing: api.register(address(standing, 0)) for standing in STANDINGS}
    resent = {standing: api.resend(registered[standing].secret) for standing in STANDINGS}
    opaque = {standing: api.resend_to(address(standing, 0)) for standing in STANDINGS}
    for receipts in ({s: r.receipt for s, r in registered.items()}, resent, opaque):
        assert_same_shape({s: api.get(f"/v1/receipts/{receipt}") for s, receipt in receipts.items()})


def test_every_address_makes_the_same_rows(api: AuthApi) -> None:
    for standing in ("unverified", "verified"):
        people(api, standing, 1)
    tables = ("registrations", "one_time_tokens", "letters", "letter_events", "outbox")
    calls: tuple[tuple[Callable[[str], object], int], ...] = ((api.resend_to, 0), (api.register, 1))
    for call, registrations in calls:
        added = []
        for standing in STANDINGS:
            before = [api.count(table) for table in tables]
            call(address(standing, 0))
            added.append([api.count(table) - rows for table, rows in zip(tables, before, strict=True)])
        assert added == [[registrations, 1, 1, 1, 1]] * len(STANDINGS)


def test_metrics_do_not_count_by_standing(api: AuthApi) -> None:
    for standing in ("unverified", "verified"):
        people(api, standing, 1)
    for standing in STANDINGS:
        api.register(address(standing, 0))
    assert "auth_registrations_total 3.0" in api.get_ops("/metrics").text
