"""What the package brings to the product."""

from typing import TYPE_CHECKING

from hotline.runtime.capability import Capability

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typer import Typer


def _commands() -> "Sequence[Typer]":
    from hotline.learning.commands import GROUPS

    return GROUPS


LEARNING = Capability(name="learning", commands=_commands)
