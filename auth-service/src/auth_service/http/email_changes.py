"""① Change of address: asked for by whoever is signed in, confirmed in the new mailbox, taken back from the old one."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import Response, request

from auth_service import account_errors, errors
from auth_service.constant_time import in_constant_time
from auth_service.flows.authenticate import SignedIn
from auth_service.flows.change_email import ChangeEmail
from auth_service.flows.confirm_email import ConfirmEmail
from auth_service.flows.revert_email import RevertEmail
from auth_service.http.account_schemas import (
    AcceptedAnswer,
    AddressAnswer,
    AddressRequest,
    ConfirmAddressRequest,
    LinkRequest,
)
from auth_service.http.authentication import Authentication
from auth_service.http.body import read_object, validate
from auth_service.http.registrations import read_address
from auth_service.http.route import (
    BODY_PROBLEMS,
    LINK_PROBLEMS,
    SIGNED_IN_PROBLEMS,
    Answer,
    Route,
    json_answer,
    problems_of,
)
from auth_service.http.sources import Sources
from auth_service.security.secrets import Secret

_GROUP = "Account"
_LINK_PROBLEMS = (
    *BODY_PROBLEMS,
    *LINK_PROBLEMS,
    *problems_of(errors.AlreadyConfirmed),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailChanges:
    """The resource."""

    change: ChangeEmail
    confirm: ConfirmEmail
    revert: RevertEmail
    authentication: Authentication
    sources: Sources

    def routes(self) -> tuple[Route, ...]:
        """Returns its calls."""
        return (
            Route(
                method="POST",
                path="/v1/account/email",
                view=self.post,
                name="request_email_change",
                group=_GROUP,
                summary="Change the address",
                description=(
                    "Needs a recent sign-in. Sends the new address a link that is good for a day; until then nothing changes "
                    "but `pending_email`. Answers alike whether the new address is taken: only its owner is told. Asking "
                    "again forgets the address before."
                ),
                bodies=(AddressRequest,),
                answer=Answer(
                    status=HTTPStatus.ACCEPTED,
                    description="Accepted. An email follows if this address can have one.",
                    schema=AcceptedAnswer,
                ),
                problems=(
                    *BODY_PROBLEMS,
                    *SIGNED_IN_PROBLEMS,
                    *problems_of(account_errors.RecentSignInNeeded, errors.RateLimited),
                ),
                signed_in=True,
            ),
            Route(
                method="POST",
                path="/v1/email-changes/confirm",
                view=self.post_confirm,
                name="confirm_email_change",
                group=_GROUP,
                summary="Confirm the new address",
                description=(
                    "By the link in the email to the new address, and a second thing: an access token of the account that asked "
                    "for the change, or its `password`. With neither 409 `sign_in_needed`, whose `asked_by` says which account, "
                    "masked; nothing is used up. The old address gets an email with a way back. 410 `already_confirmed` if "
                    "another account has the address by now. The same again within ten minutes gets the same answer."
                ),
                bodies=(ConfirmAddressRequest,),
                may_be_application=True,
                answer=Answer(
                    status=HTTPStatus.OK, description="The account has this address.", schema=AddressAnswer
                ),
                problems=(
                    *_LINK_PROBLEMS,
                    *problems_of(
                        account_errors.NotSignedIn,
                        account_errors.SignInNeeded,
                        account_errors.WrongPassword,
                        errors.TooBusy,
                    ),
                ),
                may_be_signed_in=True,
            ),
            Route(
                method="POST",
                path="/v1/email-changes/revert",
                view=self.post_revert,
                name="revert_email_change",
                group=_GROUP,
                summary="Take a change of address back",
                description=(
                    "By the link in the email to the old address, for seven days. Ends every session and takes the password "
                    "away, since whoever changed the address may know it; an email to the old address asks for a new one."
                ),
                bodies=(LinkRequest,),
                may_be_application=True,
                answer=Answer(
                    status=HTTPStatus.OK,
                    description="The account has this address again.",
                    schema=AddressAnswer,
                ),
                problems=_LINK_PROBLEMS,
            ),
        )

    def post(self) -> Response:
        """Asks for it."""
        signed_in = self.authentication()
        receipt = self.take(signed_in, read_object(request))
        return json_answer(AcceptedAnswer(receipt=receipt.text), HTTPStatus.ACCEPTED)

    def take(self, signed_in: SignedIn, body: dict[str, Any]) -> Secret:
        """Asks for it by a body, or the form of our page; raises what the call answers."""
        signed_in.recent()
        address = read_address(validate(AddressRequest, body).email)
        self.sources.admit_letters()
        with in_constant_time():
            device = self.sources.client().device
            return self.change(signed_in, address, device=device)

    def post_confirm(self) -> Response:
        """Confirms it."""
        signed_in = self.authentication.if_any()
        return json_answer(AddressAnswer(email=self.take_confirm(signed_in, read_object(request))))

    def take_confirm(self, signed_in: SignedIn | None, value: dict[str, Any]) -> str:
        """Confirms it by a body, or the form of our page; raises what the call answers."""
        body = validate(ConfirmAddressRequest, value)
        self.sources.admit_secrets()
        proof = self.sources.proof(body.password)
        return self.confirm(Secret(body.token), signed_in=signed_in, proof=proof)

    def post_revert(self) -> Response:
        """Takes it back."""
        return json_answer(AddressAnswer(email=self.take_revert(read_object(request))))

    def take_revert(self, body: dict[str, Any]) -> str:
        """Takes it back by a body, or the form of our page; raises what the call answers."""
        link = Secret(validate(LinkRequest, body).token)
        self.sources.admit_secrets()
        return self.revert(link, device=self.sources.client().device)
