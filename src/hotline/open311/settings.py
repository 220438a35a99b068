"""How the Open311 surface is set."""

from dataclasses import dataclass


@dataclass(slots=True)
class Open311Settings:
    """`reads`: questions about tickets a minute, from one address without a key."""

    is_enabled: bool = True
    jurisdiction: str | None = None
    contact: str = ""
    reads: int = 120
