"""How long the long stories are. `make test` tells them short; `make whole` (HOTLINE_WHOLE=1) tells them whole."""

import os
from typing import TypeVar
from zlib import crc32

WHOLE = bool(os.environ.get("HOTLINE_WHOLE"))
T = TypeVar("T")


def sized(short: T, whole: T) -> T:
    """The size of a story, by whether stories are told whole."""
    return whole if WHOLE else short


def has_turn(case: str, every: int) -> bool:
    """Whether a case is tried where stories are told short: one case in `every`, always the same ones, for all of them
    say the same about the code. Where stories are told whole, each is."""
    return WHOLE or crc32(case.encode("utf-8", "surrogatepass")) % every == 0
