"""The days before the demonstration: closed matters, so that a figure has an earlier period beside it. They are taken
in by the import, which plays their history through the life cycle with the times it had."""

import csv
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

from hotline.importing.mapping import ColumnTranslation, ImportMapping
from hotline.importing.service.importer import ImportJob, import_file
from hotline.importing.service.report import ImportReport
from hotline.organisation.model.directory import Directory, zone_of
from hotline.organisation.model.vocabulary import Kind
from hotline.tickets.context import Services
from hotline.tickets.model.routing import choose_route

DAYS, A_DAY = 60, 3  # of the last days: so many matters on each
YEAR = 365
DAYS_A_YEAR_AGO, A_DAY_THEN = 30, 2
LATE_EACH, LATE_BY = 11, timedelta(days=17)  # every so many is done too late
SOURCE = "demo-days"
_BUILDING = re.compile(r"(\d{1,3})[栋幢]")
_COLUMNS = ("id", "created", "signed", "closed", "words", "place", "area", "category", "department", "channel")


@dataclass(frozen=True, slots=True)
class _Line:
    """A call of the scripted day that a matter of an earlier day is like."""

    at: time
    channel: str
    words: str
    place: str
    category: str


async def add_earlier_days(services: Services, day: Path, now: datetime) -> ImportReport:
    """Take in what was done on the days before `now`, once for each day: a second run adds what is missing."""
    directory = await services.directory.now(now)
    rows = list(earlier_matters(directory, _lines(directory, day), now))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "days.csv"
        with file.open("w", encoding="utf-8", newline="") as opened:
            writer = csv.DictWriter(opened, _COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        return await import_file(services, ImportJob(file, _mapping(directory, rows), directory), now)


def _lines(directory: Directory, day: Path) -> list[_Line]:
    with day.open(encoding="utf-8", newline="") as file:
        return [
            _Line(time.fromisoformat(line["at"]), line["channel"], line["words"], line["place"], line["category"])
            for line in csv.DictReader(file)
            if (found := directory.categories.get(line["category"])) is not None and not found.confidential
        ]


def earlier_matters(directory: Directory, lines: list[_Line], now: datetime) -> Iterator[dict[str, str]]:
    """The rows of the file, the newest first. The same day gives the same rows whenever it is asked."""
    today = now.astimezone(zone_of(directory)).date()
    recent = [(today - timedelta(days=back), A_DAY) for back in range(1, DAYS + 1)]
    then = [
        (today - timedelta(days=YEAR + back), A_DAY_THEN) for back in range(-DAYS_A_YEAR_AGO // 2, DAYS_A_YEAR_AGO // 2)
    ]
    for on, count in recent + then:
        for place in range(count):
            yield _matter(directory, lines, (on, place), now)


def _matter(directory: Directory, lines: list[_Line], of: tuple[date, int], now: datetime) -> dict[str, str]:
    on, place = of
    nth = on.toordinal() * A_DAY + place
    line = lines[nth % len(lines)]
    created = datetime.combine(on, line.at, zone_of(directory))
    signed = created + timedelta(minutes=3 + nth % 25)
    closed = signed + timedelta(minutes=25 + nth * 37 % 900) + (LATE_BY if nth % LATE_EACH == 0 else timedelta())
    if closed >= now:
        closed = signed + timedelta(minutes=20)
    area = _area_of(directory, line.place)
    routed = choose_route(directory, line.category, Kind.REQUEST, area, now)
    return {
        "id": f"{on:%Y%m%d}-{place}",
        "created": created.isoformat(),
        "signed": min(signed, closed).isoformat(),
        "closed": closed.isoformat(),
        "words": line.words,
        "place": line.place,
        "area": area or "",
        "category": line.category,
        "department": (routed.lead if routed is not None else None) or "",
        "channel": line.channel,
    }


def _area_of(directory: Directory, place: str) -> str | None:
    """The building of this number, else where the hotline is at home."""
    home = directory.home.area if directory.home is not None else None
    found = _BUILDING.search(place)
    name = f"{found[1]}栋" if found else ""
    return next((a.code for a in directory.areas.values() if a.active and name and a.name.endswith(name)), home)


def _mapping(directory: Directory, rows: list[dict[str, str]]) -> ImportMapping:
    def as_written(column: str) -> ColumnTranslation:
        return ColumnTranslation(column=column, values={row[column]: row[column] for row in rows if row[column]})

    return ImportMapping(
        about="The days before the demonstration",
        source=SOURCE,
        format="csv",
        id="id",
        zone=str(zone_of(directory)),
        time_format="iso8601",
        created_at="created",
        closed_at="closed",
        updated_at="signed",
        title=("words",),
        narrative=("words",),
        address=("place",),
        default_reply="已处理完毕，请您放心。",
        status=ColumnTranslation(column="id", other="closed"),
        category=as_written("category"),
        department=as_written("department"),
        area=as_written("area"),
        channel=as_written("channel"),
    )
