"""Jobs: what a worker does again and again."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from hotline.delivery.channels import DeliveryChannels
from hotline.delivery.heartbeat import Heartbeat
from hotline.runtime.subprocess import WorkerSubprocess
from hotline.tickets.context import Services

# seconds a job waits when there was nothing to do
AT_ONCE = 0.25
SOON = 1.0
SELDOM = 60.0


@dataclass(frozen=True, slots=True)
class Job:
    """`step` does one piece and returns True where there may be more at once; otherwise the job waits `pause` seconds.
    What it raises is logged, and the step is tried again."""

    name: str
    step: Callable[[], Awaitable[bool]]
    pause: float


@dataclass
class WorkerContext:
    """What jobs are given. `subprocess`: where work that takes a processor for minutes is done (None: on SQLite, where
    one process writes). `stopping`: set when the worker was told to stop; `on_stop` is awaited after the last step."""

    services: Services
    channels: DeliveryChannels = field(default_factory=DeliveryChannels)
    heartbeat: Heartbeat | None = None
    subprocess: WorkerSubprocess | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    on_stop: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
