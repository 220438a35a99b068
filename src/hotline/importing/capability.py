"""Import of tickets that another system exported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hotline.runtime.capability import Capability

if TYPE_CHECKING:
    from typer import Typer


def _commands() -> Sequence[Typer]:
    from hotline.importing import commands

    return commands.GROUPS


IMPORTING = Capability(name="importing", commands=_commands)
