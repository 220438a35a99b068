"""The cached directory: one immutable snapshot, read again when its version changes. A change is stored only if the
whole directory is valid."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError

from hotline.database.deadlines import Deadlines, database_deadline
from hotline.database.engine import Database
from hotline.database.outages import OUTAGES
from hotline.organisation.model.actors import Actor
from hotline.organisation.model.directory import ITEM_TYPES, REFERENCES, SEED_ORDER_NOUNS, VOCABULARY_FIELDS, Directory
from hotline.organisation.model.items import ANY
from hotline.organisation.model.validation import ItemError, directory_errors
from hotline.organisation.service.directory_annotations import annotate
from hotline.organisation.store import directory as organisation_directory
from hotline.refusals import Code, Refusal, Refused
from hotline.security_log.store import SecurityEvent, record_deed
from hotline.security_log.vocabulary import Deed
from hotline.web.rule_texts import rule_of_error

D = TypeVar("D")
MOST_ITEMS_NAMED = 50  # of one change, in the security log
MAX_SNAPSHOT_AGE = timedelta(seconds=1)  # how old a snapshot may be before its version is asked for
_ADAPTERS: Mapping[str, TypeAdapter[Any]] = {noun: TypeAdapter(shape) for noun, shape in ITEM_TYPES.items()}


class DirectoryCache:
    """The snapshot of this process."""

    def __init__(self, db: Database, deadlines: Deadlines | None = None) -> None:
        self.db = db
        self.deadlines = deadlines or Deadlines()
        self._directory = Directory(0)
        self._made: dict[Callable[[Directory], Any], Any] = {}
        self._looked: datetime | None = None
        self._reading = asyncio.Lock()  # of the requests that find it old at one moment, the first asks for all

    def fresh(self, now: datetime) -> Directory | None:
        """The directory where it can be had without a look at the database. None: ask for it by `now`."""
        return None if self._is_old(now) else self._directory

    async def now(self, now: datetime) -> Directory:
        """The directory, at most MAX_SNAPSHOT_AGE old. Raises DatabaseUnavailable."""
        return await self._load_within(self.deadlines.write, now)

    async def current_or_last_known(self, now: datetime) -> Directory:
        """The same; where the database is unavailable or too slow, the one read last. Only to take something in for
        later."""
        try:
            return await self._load_within(self.deadlines.lookup if self.known else self.deadlines.write, now)
        except OUTAGES:
            if not self.known:
                raise
            return self._directory

    @property
    def known(self) -> bool:
        """Whether the directory was ever read."""
        return self._looked is not None

    async def _load_within(self, seconds: float, now: datetime) -> Directory:
        if self._is_old(now):
            async with database_deadline(seconds), self._reading:
                if self._is_old(now):
                    version = await organisation_directory.load_version(self.db)
                    if version != self._directory.version or self._looked is None:
                        await self.reload()
                    self._looked = now
        return self._directory

    def _is_old(self, now: datetime) -> bool:
        return self._looked is None or abs(now - self._looked) >= MAX_SNAPSHOT_AGE

    def derived(self, build: Callable[[Directory], D]) -> D:
        """What `build` builds of the snapshot, such as an index of its words: built once for each snapshot."""
        if build not in self._made:
            self._made[build] = build(self._directory)
        return cast(D, self._made[build])

    async def reload(self) -> None:
        # before the items: a label too old heals itself, one too new never
        version = await organisation_directory.load_version(self.db)
        rows = await organisation_directory.load_items(self.db)
        found: dict[str, dict[str, Any]] = {noun: {} for noun in SEED_ORDER_NOUNS}
        for row in rows:
            if row.noun in found:  # another noun is of another version of the code
                # nor is a field that newer code has added: during an upgrade older processes read its items too
                found[row.noun][row.code] = _ADAPTERS[row.noun].validate_python(row.body, extra="ignore")
        versions = {(row.noun, row.code): row.version for row in rows}
        kinds: dict[str, Any] = {noun: dict(sorted(items.items())) for noun, items in found.items()}
        self._directory = Directory(version, **kinds, versions=versions)
        self._made.clear()


def parse_item(noun: str, body: Mapping[str, Any]) -> Any:
    """A directory item from plain data. Raises Refused, naming fields and rules."""
    if noun not in ITEM_TYPES:
        raise Refused(Refusal(Code.NOT_FOUND, "no such noun"))
    days = body.get("days") if noun == "calendars" else None
    if isinstance(days, Mapping):  # a word that reads like yes or no decides nothing about a day
        errors = tuple(
            (f"days.{day}", "true (worked) or false (off)") for day, v in days.items() if type(v) is not bool
        )
        if errors:
            raise Refused(Refusal(Code.INVALID, "the item is not well formed", errors=errors[:50]))
    try:
        return _ADAPTERS[noun].validate_python(dict(body))
    except ValidationError as wrong:
        errors = tuple(
            (".".join(str(x) for x in e["loc"]) or "body", rule_of_error(e["type"], e["msg"]))
            for e in wrong.errors(include_input=False, include_url=False)
        )
        raise Refused(Refusal(Code.INVALID, "the item is not well formed", errors=errors)) from None


def item_schema(noun: str) -> dict[str, Any]:
    """The JSON Schema of a noun's items, ready for JSON. `x-refers`: the field names items of that noun; a word of a
    vocabulary or any is an `enum` with `*`; `examples` say how a text is written, `x-multiline` that it is a long one,
    `x-units` which units a span may have, `x-parts` of what a text of several words is made."""
    schema = _ADAPTERS[noun].json_schema()
    fields = schema["properties"]
    for name, other in REFERENCES.get(noun, {}).items():
        fields[name]["x-refers"] = other
    for name, words in VOCABULARY_FIELDS.get(noun, {}).items():
        fields[name]["enum"] = [ANY, *words]
    annotate(noun, schema)
    return schema


def item_as_json(noun: str, item: Any) -> dict[str, Any]:
    """An item as plain data, ready for JSON."""
    return _ADAPTERS[noun].dump_python(item, mode="json")  # type: ignore[no-any-return]


async def change(
    directory_cache: DirectoryCache,
    items: Sequence[tuple[str, str, Any | None]],
    actor: Actor,
    now: datetime,
    *,
    version: int | None = None,
    write_also: Callable[[sa.Connection], None] | None = None,
) -> Directory:
    """Keep (noun, code, item or None to remove) together, if the directory that comes of it is right.

    `version`: refuse with STALE if the directory has moved on. `write_also` writes more in the same transaction.
    Returns the new directory; raises Refused with every fault."""
    await directory_cache.reload()
    directory = await directory_cache.now(now)
    if version is not None and version != directory.version:
        raise Refused(Refusal(Code.STALE, "the directory has changed since the version you saw"))
    candidate: dict[str, Any] = {noun: dict(directory.noun(noun)) for noun in SEED_ORDER_NOUNS}
    changes: list[tuple[str, str, Any, Any]] = []
    for noun, code, item in items:
        before = candidate[noun].get(code)
        if item is None:
            candidate[noun].pop(code, None)
        else:
            candidate[noun][code] = item
        if before != item:
            changes.append((noun, code, before and item_as_json(noun, before), item and item_as_json(noun, item)))
    if not changes:
        return directory
    refuse_errors(directory_errors(Directory(directory.version + 1, **candidate)))

    changed = [f"{noun}/{code}" for noun, code, _, _ in changes]
    details = {"version": directory.version + 1, "items": changed[:MOST_ITEMS_NAMED], "count": len(changed)}
    event = SecurityEvent(Deed.DIRECTORY_CHANGED, actor, now, (changes[0][0], changes[0][1]), details)

    def keep(c: sa.Connection) -> None:
        organisation_directory.write_changes(c, directory.version + 1, changes, now, actor.id, actor.name)
        if write_also is not None:
            write_also(c)
        record_deed(c, event)

    try:
        await directory_cache.db.transact(keep)
    except sa.exc.IntegrityError:
        raise Refused(Refusal(Code.STALE, "the directory has changed since the version you saw")) from None
    await directory_cache.reload()
    return await directory_cache.now(now)


def refuse_errors(item_errors: Sequence[ItemError]) -> None:
    if item_errors:
        errors = tuple((f"{w.noun}.{w.code}.{w.field}", w.rule) for w in item_errors[:50])
        raise Refused(Refusal(Code.INVALID, "the directory would not be right", errors=errors))
