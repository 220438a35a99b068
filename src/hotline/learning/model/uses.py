"""Which version comes back when the one in use is taken out of use."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VersionUse:
    """A version put into use in a state. `rolled_back`: by a rollback, not by a promotion."""

    version: int
    state: str
    rolled_back: bool


def version_before(uses: Iterable[VersionUse]) -> VersionUse | None:
    """The version to go back to. `uses`: all of them, oldest first. A version that was rolled back does not come back.
    None: there was no other."""
    standing: list[VersionUse] = []
    for use in uses:
        if use.rolled_back:
            while standing and standing[-1].version != use.version:
                standing.pop()
        if standing and standing[-1].version == use.version:
            standing.pop()
        standing.append(use)
    return standing[-2] if len(standing) > 1 else None
