"""The context that every service needs: database, journal, clock and secret. The composition builds it once and passes
it on."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar, cast

from hotline.database.deadlines import Deadlines
from hotline.database.engine import Database
from hotline.database.journal import Journal
from hotline.database.offload import Offload
from hotline.database.read_batcher import ReadBatcher
from hotline.database.write_batcher import WriteBatcher

P = TypeVar("P")


@dataclass(kw_only=True)
class PlatformServices:
    """`secret`: keys, codes and sealed values are derived from it. `parts`: what a capability keeps in a process, such
    as a cache, by its class; `on_shutdown`: called once when the process begins to stop."""

    db: Database
    journal: Journal
    clock: Callable[[], datetime]
    secret: bytes
    public_url: str = "http://127.0.0.1:8000"
    data_dir: Path | None = None  # what only its owner may read, with `database_file`
    database_file: Path | None = None
    deadlines: Deadlines = field(default_factory=Deadlines)
    offload: Offload = field(default_factory=Offload)
    batcher: WriteBatcher = field(init=False)
    reads: ReadBatcher = field(init=False)
    leaving: bool = False  # stopping: no more work should be sent here
    parts: dict[type[Any], Any] = field(default_factory=dict)
    on_shutdown: list[Callable[[], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.batcher = WriteBatcher(self.db)
        self.reads = ReadBatcher(self.db)

    def add(self, part: object) -> None:
        """Keep what a capability needs in this process. One of each class."""
        self.parts[type(part)] = part

    def part(self, kind: type[P]) -> P:
        """The part of that class. Raises KeyError: its capability was not added by the composition."""
        return cast(P, self.parts[kind])

    def keeps_for_later(self) -> bool:
        """Whether what comes in while the database is unavailable is kept on this machine."""
        return False

    def leave(self) -> None:
        """End what waits for news: a shutdown waits for requests under way, and these would never end, or late."""
        self.leaving = True
        for end in self.on_shutdown:
            end()
