"""Query parameters of Open311: time windows, whole numbers, lists."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from hotline.open311.routes.request import Open311Error
from hotline.open311.service import parse_w3c_moment

DAYS = timedelta(days=90)  # the longest window


def _moment(query: Mapping[str, str], name: str) -> datetime | None:
    if name not in query:
        return None
    found = parse_w3c_moment(query[name])
    if found is None:
        raise Open311Error(400, f"{name}: a date-time with zone, as 2026-11-25T08:00:00Z")
    return found


def window(
    query: Mapping[str, str], names: tuple[str, str], now: datetime, back: timedelta | None
) -> tuple[datetime, datetime] | None:
    """Both ends in; one alone reaches 90 days. None: neither was given, and there is no default."""
    start, end = _moment(query, names[0]), _moment(query, names[1])
    if start is None and end is None:
        return None if back is None else (now - back, now)
    start, end = start or (end or now) - DAYS, end or (start or now) + DAYS
    if start > end:
        raise Open311Error(400, f"{names[0]}: must not be later than {names[1]}")
    if end - start > DAYS:
        raise Open311Error(400, f"{names[0]}, {names[1]}: at most 90 days apart")
    # times are shown in whole seconds: what is shown with a second belongs to it
    return start.replace(microsecond=0), end.replace(microsecond=999_999)


def whole(query: Mapping[str, str], name: str, usual: int) -> int:
    text = query.get(name, str(usual))
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Open311Error(400, f"{name}: a whole number")
    return int(text)


def commas(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
