"""Events of exchanges as they arrive in this process."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class CallPushState:
    """`turn`: one push after the other; `changed`: set when an exchange has reported something, so that waiting
    requests look again. `recent`: the calls of the last minutes as `ringing` found them, each with the logins it rings
    or rang at; good until `recent_until`, in seconds of the event loop."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    recent: Sequence[tuple[Any, frozenset[str]]] = ()
    recent_until: float = 0.0
