"""The HTTP status of every error a flow may raise; nowhere else is a domain error given one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

from auth_service import account_errors, errors
from auth_service.errors import RequestError

STATUSES: Final[Mapping[type[RequestError], HTTPStatus]] = MappingProxyType(
    {
        errors.InvalidAddress: HTTPStatus.UNPROCESSABLE_ENTITY,
        errors.UnknownLink: HTTPStatus.BAD_REQUEST,
        # Gone, not bad: whoever holds such a link read the mailbox once, so they may know what became of it.
        errors.UsedLink: HTTPStatus.GONE,
        errors.ExpiredLink: HTTPStatus.GONE,
        errors.ReplacedLink: HTTPStatus.GONE,
        errors.VoidLink: HTTPStatus.GONE,
        errors.AlreadyConfirmed: HTTPStatus.GONE,
        errors.RefusedRegistration: HTTPStatus.GONE,
        errors.PasswordNeeded: HTTPStatus.CONFLICT,
        errors.UnknownRegistration: HTTPStatus.BAD_REQUEST,
        # Never gone: that would tell a stranger that there was a registration.
        errors.RefusedCode: HTTPStatus.BAD_REQUEST,
        errors.RateLimited: HTTPStatus.TOO_MANY_REQUESTS,
        errors.ProofRequired: HTTPStatus.PRECONDITION_REQUIRED,
        errors.UnknownReceipt: HTTPStatus.NOT_FOUND,
        account_errors.RefusedSignIn: HTTPStatus.UNAUTHORIZED,
        account_errors.NotSignedIn: HTTPStatus.UNAUTHORIZED,
        account_errors.InvalidRefreshToken: HTTPStatus.UNAUTHORIZED,
        account_errors.InvalidClient: HTTPStatus.UNAUTHORIZED,
        account_errors.InvalidCode: HTTPStatus.BAD_REQUEST,
        account_errors.ApplicationToken: HTTPStatus.FORBIDDEN,
        account_errors.RecentSignInNeeded: HTTPStatus.UNAUTHORIZED,
        # Not 401: a client would take that for the end of its session.
        account_errors.WrongPassword: HTTPStatus.FORBIDDEN,
        account_errors.CurrentPasswordNeeded: HTTPStatus.FORBIDDEN,
        account_errors.SignInNeeded: HTTPStatus.CONFLICT,
        account_errors.UnknownSession: HTTPStatus.NOT_FOUND,
        errors.DatabaseUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
        errors.TooBusy: HTTPStatus.SERVICE_UNAVAILABLE,
    }
)


def code_of(error: type[RequestError]) -> str:
    """Returns the machine's word for an error: its class name in snake_case."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", error.__name__).lower()
