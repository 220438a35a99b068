"""Events of exchanges as they arrive in this process."""

import asyncio
from dataclasses import dataclass, field


@dataclass(slots=True)
class CallArrivals:
    """`turn`: one push after the other; `noted`: set when an exchange has told something, so that waiting requests look
    again."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    noted: asyncio.Event = field(default_factory=asyncio.Event)
