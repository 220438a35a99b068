"""What is held of a person, as files that the person can take away."""

import json
import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa

from hotline.database.personal_data import PersonalNoun, Subject, load_rows
from hotline.locales import translate
from hotline.runtime.personal_nouns import PersonalNouns
from hotline.runtime.retention import RetentionRules, days_of, load_chosen_periods
from hotline.security_log.store import Identity, SecurityEvent, record_deed
from hotline.security_log.vocabulary import Deed
from hotline.storage.file_types import EXTENSIONS
from hotline.storage.files import stored_path
from hotline.tickets.context import Services

_LANGUAGE = "zh-Hans"


@dataclass(frozen=True, slots=True)
class HeldNoun:
    """One kind of data: its rows as the person may read them, and for how many days it is kept (None: without end)."""

    noun: str
    days: int | None
    has_period: bool
    rows: Sequence[Mapping[str, Any]]

    def what(self, language: str) -> str:
        """What it is, in plain words."""
        return translate(f"privacy.{self.noun}", language)

    def kept(self, language: str) -> str:
        """For how long it is kept, in plain words."""
        if not self.has_period:
            return translate("privacy.kept_with_ticket", language)
        return (
            translate("privacy.kept_without_end", language)
            if self.days is None
            else translate("privacy.kept_days", language, days=self.days)
        )


@dataclass(frozen=True, slots=True)
class PersonExport:
    """All that is held of a person. `files`: name in the export, and where the bytes lie."""

    caller: str
    phone: str | None
    made_at: datetime
    nouns: Sequence[HeldNoun]
    spooled: Sequence[Mapping[str, Any]]
    files: Sequence[tuple[str, Path]]


async def export_person(services: Services, subject: Subject, now: datetime, by: Identity) -> PersonExport:
    """All that is held of a person; the security log tells of it before it is shown."""
    nouns = services.part(PersonalNouns).nouns
    chosen = await load_chosen_periods(services.db)
    rules = {rule.name: rule for rule in services.part(RetentionRules).rules if rule.period is not None}

    def read(c: sa.Connection) -> dict[str, list[tuple[Any, Mapping[str, Any]]]]:
        return {noun.noun: list(_shown_rows(c, noun, subject)) for noun in nouns}

    rows = await services.db.snapshot(read)
    held, files = [], list[tuple[str, Path]]()
    for noun in nouns:
        rule = rules.get(noun.retention or "")
        days = days_of(rule, chosen) if rule is not None else None
        shown = []
        for row, values in rows[noun.noun]:
            until = _until(noun, row, days)
            shown.append({**values, "kept_until": until} if until else values)
            if noun.file is not None:
                name = f"{row.number}-{row.id}{EXTENSIONS.get(row.media_type, ('.bin',))[0]}"
                files.append((f"attachments/{name}", stored_path(services.files, noun.file(row))))
        held.append(HeldNoun(noun.noun, days, rule is not None, shown))
    records = services.spool.records() if services.spool is not None else ()
    spooled = [dict(record) for record in records if subject.person.scrub(dict(record)) != record]
    counts = {noun.noun: len(noun.rows) for noun in held if noun.rows}
    about = ("caller", subject.person.id)
    event = SecurityEvent(Deed.PRIVACY_EXPORTED, by, now, about, counts)
    await services.db.transact(lambda c: record_deed(c, event))
    return PersonExport(subject.person.id, subject.phone, now, held, spooled, files)


def _shown_rows(c: sa.Connection, noun: PersonalNoun, subject: Subject) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    for row in load_rows(c, noun, subject):
        if (values := noun.shown(subject, row)) is not None:
            yield row, values


def _until(noun: PersonalNoun, row: Any, days: int | None) -> datetime | None:
    at = getattr(row, noun.at) if noun.at is not None else None
    return at + timedelta(days=days) if at is not None and days is not None else None


def as_json(export: PersonExport) -> str:
    """The export as one document."""
    held = [
        {
            "noun": noun.noun,
            "what": {"zh": noun.what(_LANGUAGE), "en": noun.what("en")},
            "kept": {"zh": noun.kept(_LANGUAGE), "en": noun.kept("en")},
            "rows": noun.rows,
        }
        for noun in export.nouns
    ]
    document = {
        "caller": export.caller,
        "phone": export.phone,
        "made_at": export.made_at,
        "held": held,
        "spooled": export.spooled,
        "files": [name for name, _ in export.files],
    }
    return json.dumps(document, ensure_ascii=False, indent=2, default=_plain)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def as_text(export: PersonExport, language: str = _LANGUAGE) -> str:
    """The same to be read by a person: each kind of data with what it is and until when it is kept."""
    lines = [translate("privacy.title", language), f"{export.phone or export.caller}  {export.made_at:%Y-%m-%d %H:%M}Z"]
    for noun in export.nouns:
        if not noun.rows:
            continue
        lines += ["", f"{noun.what(language)} ({len(noun.rows)})", noun.kept(language)]
        for row in noun.rows:
            lines.append("  - " + "; ".join(f"{name}: {_told(value)}" for name, value in row.items()))
    return "\n".join([*lines, ""])


def _told(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return json.dumps(value, ensure_ascii=False, default=_plain) if isinstance(value, dict | list) else str(value)


def write_export(export: PersonExport, target: Path) -> None:
    """Write the export as a folder, or as a ZIP where the target's name ends so; only its owner may read it. Raises
    FileExistsError."""
    if target.suffix == ".zip":
        descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            write_zip(export, out)
        return
    target.mkdir(mode=0o700, parents=True)
    for name, text in _texts(export).items():
        _write_private(target / name, text.encode())
    for name, path in export.files:
        if path.exists():
            _write_private(target / name, path.read_bytes())


def write_zip(export: PersonExport, out: IO[bytes]) -> None:
    """Write the export as a ZIP."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in _texts(export).items():
            packed.writestr(name, text)
        for name, path in export.files:
            if path.exists():
                packed.write(path, name)


def _texts(export: PersonExport) -> dict[str, str]:
    return {"person.json": as_json(export), "person.txt": as_text(export)}


def _write_private(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as out:
        out.write(content)
