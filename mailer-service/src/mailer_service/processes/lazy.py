"""Commands in modules of their own, imported only when asked for: `alive` runs every few seconds and needs none."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """A group some of whose commands are elsewhere.

    Args:
        elsewhere: from a command's name to the module that holds it under the same name.
    """

    def __init__(self, *args: Any, elsewhere: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._elsewhere = elsewhere

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in order."""
        return sorted({*super().list_commands(ctx), *self._elsewhere})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports the command if need be."""
        if cmd_name not in self._elsewhere:
            return super().get_command(ctx, cmd_name)
        command = getattr(import_module(self._elsewhere[cmd_name]), cmd_name)
        assert isinstance(command, click.Command)  # noqa: S101 - a mistake of this program
        return command
