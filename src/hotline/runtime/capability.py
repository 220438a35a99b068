"""What a capability registers: one object each, listed in `hotline.capabilities`. Its module imports nothing of the
capability until it is asked, so that `hotline --help` starts at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi import APIRouter
    from typer import Typer

    from hotline.runtime.jobs import Job, WorkerContext
    from hotline.tickets.context import Services


def _none(*_: Any) -> tuple[()]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """`routers`: called when the API is built, so that a command which serves nothing imports no route. `prepare`:
    called once for a process with its services and the settings of the capabilities; adds parts and hooks. `jobs`: what
    a worker does for it. `commands`: its groups of commands; those of a group without a name stand at the top level."""

    name: str
    routers: Callable[[], Sequence["APIRouter"]] = _none
    prepare: Callable[["Services", Any], object] = _none
    jobs: Callable[["WorkerContext"], Sequence["Job"]] = _none
    commands: Callable[[], Sequence["Typer"]] = _none
