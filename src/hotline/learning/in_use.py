"""The version in use, as one process holds it: asked for every text, read again when another is put into use."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from prometheus_client import Gauge

from hotline.database.engine import Database
from hotline.learning import store
from hotline.learning.vocabulary import ModelState
from hotline.organisation.model.directory import Directory
from hotline.runtime.memory import release_unused_memory
from hotline.triage.model.opinion import Opinion

if TYPE_CHECKING:
    from hotline.learning.scoring import LinearModel

log = structlog.get_logger("hotline.learning")
VERSION = Gauge("hotline_model_version", "The version of the triage model in use; 0: none")
ACTING = Gauge("hotline_model_acting", "1 where it may decide a category, 0 in shadow")
DRIFT = Gauge("hotline_model_drift_alarms", "Alarms of its last weekly check")
REFRESH = 15.0  # seconds until a process has noticed that another version is in use


class ModelInUse:
    """`form_opinion` asks no database: `refresh` reads what it needs, now and then."""

    def __init__(self) -> None:
        self._use: int | None = None
        self.model: LinearModel | None = None

    def form_opinion(self, text: str, directory: Directory) -> Opinion | None:
        """The opinion on a folded text; None where no version is in use."""
        model = self.model  # a long text is read in a thread, while `refresh` may change it
        return None if model is None else model.form_opinion(text, directory)

    async def refresh(self, db: Database) -> None:
        """Read which version is in use, and its arrays where that has changed. A version whose arrays are not what its
        hash says is not used."""
        status, uses = await load_model_status(db), await store.load_uses(db, 1)
        DRIFT.set(len(status.alarms) if status is not None else 0)
        use = uses[0] if uses else None
        if use is not None and use.id != self._use:
            self.model = await load_model(db, use.version, acting=use.state == ModelState.ACTING)
            self._use = use.id
            release_unused_memory()
        VERSION.set(use.version if use is not None and self.model is not None else 0)
        ACTING.set(int(self.model is not None and self.model.meta.acting))


async def load_model(db: Database, version: int, *, acting: bool) -> "LinearModel | None":
    """A version ready for use. None: it is not there, or its arrays are damaged (logged)."""
    from hotline.learning.model.training import ModelHead
    from hotline.learning.scoring import LinearModel, ModelMeta, hash_arrays  # numpy: only where there is a version

    row = await store.load_version(db, version)
    if row is None:
        return None
    arrays = await store.load_arrays(db, version)
    if hash_arrays(arrays) != row.hash:
        log.error("model.damaged", version=version)
        return None
    heads = tuple(ModelHead(head["name"], tuple(head["classes"])) for head in row.figures["heads"])
    return LinearModel(ModelMeta(version, acting, heads, row.figures["thresholds"]), arrays)


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """The version in use, and the alarms of its last weekly check; those of a version before it do not count. `held`:
    new versions wait for a person, as after a rollback."""

    version: int
    state: ModelState
    held: bool
    alarms: Sequence[str]


async def load_model_status(db: Database) -> ModelStatus | None:
    """None: no version is in use."""
    uses, checks = await store.load_uses(db, 1), await store.load_checks(db, 1)
    if not uses:
        return None
    alarms = checks[0].alarms if checks and checks[0].version == uses[0].version else ()
    return ModelStatus(uses[0].version, ModelState(uses[0].state), uses[0].held, alarms)
