"""Events of exchanges as they arrive in this process."""

import asyncio
from dataclasses import dataclass, field


@dataclass(slots=True)
class CallPushState:
    """`turn`: one push after the other; `changed`: set when an exchange has reported something, so that waiting
    requests look again."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
