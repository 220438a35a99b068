"""What a capability registers with the composition: one object each, listed in `hotline.composition`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hotline.runtime.jobs import Job, WorkerContext
from hotline.tickets.context import Services

if TYPE_CHECKING:
    from fastapi import APIRouter


def _none(*_: Any) -> tuple[()]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """`routers`: called when the API is built, so that a command which serves nothing imports no route. `prepare`:
    called once for a process with its services and the settings of the capabilities; adds parts and hooks. `jobs`: what
    a worker does for it."""

    name: str
    routers: Callable[[], Sequence["APIRouter"]] = _none
    prepare: Callable[[Services, Any], object] = _none
    jobs: Callable[[WorkerContext], Sequence[Job]] = _none
