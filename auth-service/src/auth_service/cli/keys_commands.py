"""The command line of `auth-service keys`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, assert_never

import click

from auth_service.cli.keys import LonelyPublicKey, NotRestarted, rotate_token_keys, write_keys
from auth_service.security.token_keys import PUBLISH_AHEAD, RETIRE_AFTER, SIGN_FOR, Rotation, Step, TokenKey
from mail_contract.errors import BadKey
from service_runtime.command_line import moment_text

_TOO_EARLY: Final = 1
_DIRECTORY: Final = click.Path(file_okay=False, path_type=Path)


@click.group(invoke_without_command=True)
@click.option("--directory", type=_DIRECTORY, help="Where the keys are to be; made if need be.")
@click.pass_context
def keys(context: click.Context, directory: Path | None) -> None:
    """Write the keys of letters, hashes and access tokens into a directory, where they are missing."""
    if context.invoked_subcommand is not None:
        return
    if directory is None:
        raise click.UsageError("say --directory")
    try:
        for path in write_keys(directory):
            click.echo(f"wrote {path}")
    except LonelyPublicKey as error:
        raise click.ClickException(str(error)) from error


@keys.command("rotate")
@click.option("--directory", type=_DIRECTORY, required=True, help="Where `auth-service keys` wrote them.")
@click.option("--restarted", is_flag=True, help="All API processes were started anew since the last step.")
def rotate(*, directory: Path, restarted: bool) -> None:
    """Replace the key of access tokens, in three steps: publish the next, sign with it, retire the old one.

    Each run takes one step, says what it did and when to run it again; in between start the API's processes anew, and say
    so with --restarted. Exit code 1, and nothing is changed, if it is too early or that is not said: a token that somebody
    could not verify would be a person signed out.
    """
    try:
        rotation = rotate_token_keys(directory, now=datetime.now(UTC), restarted=restarted)
    except NotRestarted as error:
        raise click.ClickException(
            "start all of the API's processes anew first, if that was not done since the last step, and say so with --restarted"
        ) from error
    except (OSError, BadKey) as error:
        raise click.ClickException(f"{directory}: {type(error).__name__}") from error
    if rotation.keys is None:
        click.echo(
            f"Too early: {_why(rotation)}. Run this again from {moment_text(rotation.due)} on.", err=True
        )
        sys.exit(_TOO_EARLY)
    click.echo(_done(rotation, rotation.keys.current))


def _why(rotation: Rotation) -> str:
    match rotation.step:
        case Step.PUBLISH:
            return "the current key has just begun to sign"
        case Step.SIGN:
            return "others may still keep a copy of the public keys without the next one"
        case Step.RETIRE:
            return "tokens that the old key signed are still good"
        case _:
            assert_never(rotation.step)


def _done(rotation: Rotation, key: TokenKey) -> str:
    now, current = datetime.now(UTC), key.kid
    restart = "Now start the API's processes anew"
    match rotation.step:
        case Step.PUBLISH:
            due = moment_text(now + PUBLISH_AHEAD)
            return f"Made the next key; {current} signs still. {restart}, so that the next is published, and run this again with --restarted from {due} on."
        case Step.SIGN:
            due = moment_text(now + RETIRE_AFTER)
            return f"{current} signs from now on. {restart}, and run this again with --restarted from {due} on, to retire the old key."
        case Step.RETIRE:
            due = moment_text(max(now, key.since + SIGN_FOR))
            return f"Retired the old key; {current} signs. {restart}. That was all; another rotation may begin from {due} on."
        case _:
            assert_never(rotation.step)
