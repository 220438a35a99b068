"""Work that takes processor time, beside the event loop: one thread, so that at most one other runs while requests are
answered."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
MAX_INLINE_SIZE = 2000  # characters or bytes; what is shorter takes less time than the way to the thread and back


class Offload:
    """The loop and the thread take turns every 5 ms (`sys.getswitchinterval`); two threads would make the loop wait for
    both."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="offload")

    async def run(self, size: int, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What `work(*args)` returns or raises. `size`: how much text it works on, in characters or bytes; little is
        worked on at once."""
        if size <= MAX_INLINE_SIZE:
            return work(*args, **kwargs)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: work(*args, **kwargs))
