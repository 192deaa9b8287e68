"""① `/v1/receipts/{receipt}`: what became of a letter."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

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
                group="Letters",
                summary="Follow a letter",
                description="Needs nothing but the receipt, and names no address.",
                parameters={"receipt": "As given when the letter was asked for."},
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
                # To the second: finer times would tell a decoy, which meets no mail server, from a letter.
                timeline=[
                    TimelineEntry(at=step.at.replace(microsecond=0), state=step.state, detail=step.detail)
                    for step in progress.timeline
                ],
            )
        )
