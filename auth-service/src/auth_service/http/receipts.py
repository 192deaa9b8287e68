"""① `/v1/receipts/{receipt}`: what became of a request."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from math import ceil

from flask import Response

from auth_service import errors
from auth_service.flows.read_receipt import ReadReceipt
from auth_service.http.route import Answer, Route, json_answer, problems_of
from auth_service.http.schemas import ReceiptStateAnswer, TimelineEntry
from auth_service.security.secrets import MAX_SECRET_LENGTH, Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipts:
    """The resource."""

    read: ReadReceipt

    def routes(self) -> tuple[Route, ...]:
        """Returns its calls."""
        return (
            Route(
                method="GET",
                path="/v1/receipts/<receipt>",
                view=self.get,
                name="read_receipt",
                group="Delivery",
                summary="Follow a request",
                description=(
                    "Needs nothing but the receipt, and names no address. Of a registration, and of an email asked for again "
                    "by its secret, it tells what became of the email, and `confirmed` if it is the registration that was "
                    "confirmed; of every other request it says `accepted` and nothing more."
                ),
                parameters={"receipt": "As given when the email was asked for."},
                answer=Answer(
                    status=HTTPStatus.OK, description="State and timeline.", schema=ReceiptStateAnswer
                ),
                problems=problems_of(errors.UnknownReceipt, errors.DatabaseUnavailable),
            ),
        )

    def get(self, receipt: str) -> Response:
        """Reads the receipt."""
        if len(receipt) > MAX_SECRET_LENGTH:
            raise errors.UnknownReceipt
        progress = self.read(Secret(receipt))
        return json_answer(
            ReceiptStateAnswer(
                state=progress.state,
                final=progress.final,
                poll_after=None if progress.poll_after is None else ceil(progress.poll_after.total_seconds()),
                # To the second: finer times would say more of the mail server than anybody needs to know.
                timeline=[
                    TimelineEntry(at=step.at.replace(microsecond=0), state=step.state, detail=step.detail)
                    for step in progress.timeline
                ],
            )
        )
