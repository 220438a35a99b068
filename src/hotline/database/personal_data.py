"""Personal data as packages declare it: which rows of a table are a person's, what of them is shown to the person, and
what an erasure makes of them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from hotline.text.personal import ErasedPerson

Changes = Mapping[str, Any] | None  # the columns that change; None: the row goes


@dataclass(frozen=True, slots=True)
class Subject:
    """A caller, and the tickets they have a part in: `whole`: they alone called about it; `opened`: theirs, and others
    called about it too; `joined`: another's. `phone`: E.164 or as dialled. `told`: what they told in their calls."""

    person: ErasedPerson
    phone: str | None
    whole: tuple[str, ...] = ()
    opened: tuple[str, ...] = ()
    joined: tuple[str, ...] = ()
    told: tuple[str, ...] = ()

    @property
    def tickets(self) -> tuple[str, ...]:
        return (*self.whole, *self.opened, *self.joined)

    def scrubbed(self, row: Any, *columns: str) -> dict[str, Any]:
        """The columns of a row that name the person, without that."""
        pairs = ((name, getattr(row, name)) for name in columns)
        return {name: new for name, value in pairs if (new := self.person.scrub(value)) != value}


def shown_columns(_: Subject, row: Any) -> Mapping[str, Any] | None:
    """All that a row holds."""
    return {name: value for name, value in row._mapping.items() if value not in (None, [], {}, "")}


@dataclass(frozen=True, slots=True)
class PersonalNoun:
    """A kind of personal data; `privacy.<noun>` tells what it is. `rows`: which rows may be a person's; `erase`: the
    columns of a row that an erasure changes, none where nothing of it is the person's. `shown`: of a row, what the
    person may read; None: nothing. `at`: the column from which `retention`, a noun of the table of periods, counts.
    `file`: of a row, the hash under which its file is stored."""

    noun: str
    table: sa.Table
    rows: Callable[[Subject], sa.ColumnElement[bool]]
    erase: Callable[[Subject, Any], Changes]
    shown: Callable[[Subject, Any], Mapping[str, Any] | None] = shown_columns
    at: str | None = None
    retention: str | None = None
    file: Callable[[Any], str] | None = None


def among(column: sa.ColumnElement[Any], values: Collection[Any]) -> sa.ColumnElement[bool]:
    """The column holds one of these values; there may be none."""
    return column.in_(list(values)) if values else sa.false()


def is_phone(column: sa.ColumnElement[Any], subject: Subject) -> sa.ColumnElement[bool]:
    """The column holds the subject's number."""
    return column == subject.phone if subject.phone else sa.false()


def load_rows(c: sa.Connection, noun: PersonalNoun, subject: Subject) -> Sequence[Any]:
    """The rows of a noun that may be the subject's, in the order of their key."""
    query = sa.select(*noun.table.c).where(noun.rows(subject)).order_by(*noun.table.primary_key.columns)
    return c.execute(query).all()


def count_erasable(c: sa.Connection, noun: PersonalNoun, subject: Subject) -> int:
    """How many rows an erasure would change or delete."""
    return sum(noun.erase(subject, row) != {} for row in load_rows(c, noun, subject))


def erase_rows(c: sa.Connection, noun: PersonalNoun, subject: Subject) -> list[Any]:
    """Change or delete the rows of a noun that are the subject's; these, as they stood."""
    erased = []
    for row in load_rows(c, noun, subject):
        changes = noun.erase(subject, row)
        if changes == {}:
            continue
        here = sa.and_(*(key == getattr(row, key.name) for key in noun.table.primary_key.columns))
        if changes is None:
            c.execute(sa.delete(noun.table).where(here))
        else:
            c.execute(sa.update(noun.table).where(here).values(**changes))
        erased.append(row)
    return erased
