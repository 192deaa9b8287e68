"""The setting `AUTH_APPLICATIONS`: read strictly, and refused by the application and the member that are wrong, without a value."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_settings import NoDecode, SettingsConfigDict

from auth_service.domain.application import Application, Applications, Brand
from auth_service.domain.colours import readable_accent
from auth_service.domain.session import OWN_CLIENT
from service_runtime.setting_types import ProcessSettings

_LOOPBACK_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_PRIVATE_USE: Final = re.compile(r"[a-z][a-z0-9-]*(\.[a-z0-9-]+)+:/[^/].*")
"""A reversed domain name and one slash (RFC 8252 section 7.1)."""

_PRINTABLE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
_SECRET: Final = re.compile(r"[A-Za-z0-9._~-]{32,128}")
_NO_SECRETS: Final = frozenset(hashlib.sha256(nothing).hexdigest() for nothing in (b"", b"\n", b"\r\n", b" "))
"""What a command prints whose variable was not set, and which everybody knows."""
_MEMBER: Final = re.compile(r"[a-z0-9_]{1,24}")
_MOST_LOGO: Final = 8 * 1024


def _redirect_uri(uri: str) -> str:
    if not _PRINTABLE.fullmatch(uri) or "*" in uri or "#" in uri:
        raise ValueError('must be a whole address in ASCII, without `*`, `\\`, `"` and fragment')
    parts = _split(uri)
    if parts.scheme in {"http", "https"}:
        _check_host(uri)
    elif not _PRIVATE_USE.fullmatch(uri):
        raise ValueError(
            "must be https, http on this machine, or a scheme of your own such as com.example.app:/back"
        )
    return uri


def _origin(origin: str) -> str:
    _check_host(origin)
    parts = _split(origin)
    if origin != f"{parts.scheme}://{parts.netloc}".lower():
        raise ValueError(
            "must be as a browser sends it, such as https://shop.example, in small letters, without a path"
        )
    if (parts.scheme, parts.port) in {("https", 443), ("http", 80)}:
        raise ValueError("must be without the port that its scheme has anyway")
    return origin


def _check_host(uri: str) -> None:
    parts = _split(uri)
    if not parts.hostname or "@" in parts.netloc:
        raise ValueError("must name a host, and no user")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK_HOSTS):
        raise ValueError("must be https, or http on this machine")


def _split(uri: str) -> Any:
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:  # whose words quote the value
        raise ValueError("must be an address") from None
    return parts


def _of_a_file(path: Path) -> str:
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot be read: {type(error).__name__}") from None
    if not _SECRET.fullmatch(secret):
        raise ValueError("must hold 32 to 128 random letters, digits and . _ ~ -")
    return hashlib.sha256(secret.encode()).hexdigest()


def _digest(digest: str) -> str:
    if digest in _NO_SECRETS:
        raise ValueError("must be of a secret: this is the digest of nothing")
    return digest


_Words = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]*$")]
_Color = Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    name: _Words
    public: bool = False
    secret_sha256: list[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$"), AfterValidator(_digest)]] = []
    secret_files: list[Annotated[str, AfterValidator(lambda path: _of_a_file(Path(path)))]] = []
    redirect_uris: list[Annotated[str, Field(max_length=1024), AfterValidator(_redirect_uri)]] = []
    origins: list[Annotated[str, Field(max_length=256), AfterValidator(_origin)]] = []
    audience: Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,256}$")] | None = None
    logo_text: _Words | None = None
    logo: (
        Annotated[
            str,
            Field(max_length=_MOST_LOGO, pattern=r"^data:image/(png|svg\+xml|webp);base64,[A-Za-z0-9+/=]+$"),
        ]
        | None
    ) = None
    color: Annotated[_Color, AfterValidator(lambda color: readable_accent(color, dark=False))] | None = None
    color_dark: Annotated[_Color, AfterValidator(lambda color: readable_accent(color, dark=True))] | None = (
        None
    )

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        secrets = [*self.secret_sha256, *self.secret_files]
        if self.id == OWN_CLIENT:
            raise ValueError(f"id: {OWN_CLIENT} is our own")
        if self.public == bool(secrets):
            raise ValueError("must be `public` or have a secret, and not both")
        if not self.public and any(
            uri.partition(":")[0] not in {"http", "https"} for uri in self.redirect_uris
        ):
            raise ValueError(
                "redirect_uris: a scheme of its own is for public ones, which run on people's devices"
            )
        return self

    def application(self) -> Application:
        return Application(
            id=self.id,
            secrets=tuple(bytes.fromhex(digest) for digest in (*self.secret_sha256, *self.secret_files)),
            redirect_uris=tuple(self.redirect_uris),
            origins=tuple(self.origins),
            audience=self.audience or self.id,
            brand=Brand(
                name=self.name,
                logo_text=self.logo_text or "",
                logo=self.logo or "",
                accent=self.color or "",
                accent_dark=self.color_dark or "",
            ),
        )


def parse_applications(text: str) -> Applications:
    """Returns the applications that a JSON list registers.

    Raises:
        ValueError: says which is wrong, by its place and its id, and in what; no value is repeated but ids.
    """
    try:
        entries = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise ValueError("must be a JSON list of applications, each name in an object once") from None
    if not isinstance(entries, list):
        raise ValueError("must be a JSON list of applications")  # noqa: TRY004 - pydantic takes no other
    found = [_entry(number, value) for number, value in enumerate(entries, start=1)]
    by_id = {application.id: application for application in found}
    if len(by_id) < len(found):
        raise ValueError("two applications have the same id")
    for number, application in enumerate(found, start=1):
        if application.audience != application.id and application.audience in by_id:
            raise ValueError(f"application {number} ({application.id}) audience: is another application's id")
    return Applications(by_id=MappingProxyType(by_id))


def _entry(number: int, value: Any) -> Application:
    try:
        return _Entry.model_validate(value).application()
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False)
    raise ValueError("; ".join(_sentence(number, value, problem) for problem in problems))


def _sentence(number: int, value: Any, problem: Any) -> str:
    id_ = value.get("id") if isinstance(value, dict) else None
    named = f" ({id_})" if isinstance(id_, str) and re.fullmatch(r"[A-Za-z0-9._-]{1,64}", id_) else ""
    where = "".join(
        f"[{part + 1}]" if isinstance(part, int) else f" {part}" for part in _nameable(problem["loc"])
    )
    return f"application {number}{named}{where}: {problem['msg'].removeprefix('Value error, ')}"


def _nameable(location: Sequence[int | str]) -> Sequence[int | str]:
    return [part for part in location if isinstance(part, int) or _MEMBER.fullmatch(part)]


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name occurs twice")
    return value


def _applications(value: object) -> object:
    return parse_applications(value) if isinstance(value, str) else value


class ApplicationSettings(ProcessSettings):
    """Which applications there are.

    Attributes:
        applications: a JSON list.
    """

    model_config = SettingsConfigDict(env_prefix="AUTH_")

    applications: Annotated[Applications, NoDecode, BeforeValidator(_applications)] = Applications()
