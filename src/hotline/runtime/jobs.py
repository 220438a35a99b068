"""The context that a worker's jobs are given."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from hotline.delivery.channels import DeliveryChannels
from hotline.delivery.heartbeat import Heartbeat
from hotline.runtime.subprocess import WorkerSubprocess
from hotline.tickets.context import Services


@dataclass
class WorkerContext:
    """What jobs are given. `subprocess`: where work that takes a processor for minutes is done (None: on SQLite, where
    one process writes). `stopping`: set when the worker is to stop; `on_shutdown` is awaited after the last
    step."""

    services: Services
    channels: DeliveryChannels = field(default_factory=DeliveryChannels)
    heartbeat: Heartbeat | None = None
    subprocess: WorkerSubprocess | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    on_shutdown: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
