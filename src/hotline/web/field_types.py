"""The types of what people type: clear limits, clear errors, and nothing a database or a screen would choke on."""

import json
import re
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from hotline.text.normalisation import is_blank, replace_lone_surrogates
from hotline.text.personal import holds_long_number

_CONTROL = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff\ud800-\udfff]"
)
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_BREAKS = re.compile(r"[\t\r\n\x0b\x0c\u2028\u2029\x85]")
LONGEST_DETAIL = 1000


def _drop_surrogates(value: Any) -> Any:
    """A lone surrogate is no reason to lose a call."""
    return replace_lone_surrogates(value) if isinstance(value, str) else value


def _validate_text(text: str) -> str:
    """As it was typed or pasted, invisible marks and control characters included: they are no reason to lose a call.
    Only NUL goes, which PostgreSQL cannot hold."""
    text = text.replace("\x00", "")
    if is_blank(text[:200]) and is_blank(text):
        raise ValueError("not empty")
    return text


def _validate_written_line(text: str) -> str:
    if _BREAKS.search(text):
        raise ValueError("one line")
    return _validate_text(text)


def _validate_line(text: str) -> str:
    if _BREAKS.search(text):
        raise ValueError("one line")
    if _CONTROL.search(text):
        raise ValueError("no control characters, direction marks or halves of a character")
    return _validate_text(text)


def _normalise_detail(text: str | None) -> str | None:
    """On one line; an empty one is as good as none."""
    line = " ".join(part for part in (text or "").replace("\x00", "").splitlines() if part)
    return None if is_blank(line[:200]) and is_blank(line) else line


def _detail_as_text(value: Any) -> Any:
    """Programs send a telephone number as a number, and an empty field as false, [] or {}. Anything else is kept as it
    was sent."""
    if value is None or isinstance(value, str):
        return _drop_surrogates(value)
    if value is False or value == [] or value == {}:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    try:
        return replace_lone_surrogates(json.dumps(value, ensure_ascii=False))
    except (RecursionError, ValueError):  # nested deeply; an integer of thousands of digits
        return "?"


def _normalise_title(value: Any) -> Any:
    """On one line; an empty one is as good as none."""
    return _normalise_detail(_drop_surrogates(value)) if isinstance(value, str) else value


def _null_as_empty(value: Any) -> Any:
    """Programs send an object in which nothing is filled in as null, "" or []."""
    return {} if value is None or value in ("", []) else value


def _reject_control_characters(text: str) -> str:
    if _CONTROL.search(text) or _BREAKS.search(text):
        raise ValueError("no control characters")
    return text


# Names and words of the organisation's own people: accounts, subscriptions, duty
PlainLine = Annotated[str, AfterValidator(_reject_control_characters)]  # may be empty; of one line
# what a client keeps to be known again; it is no credential
DeviceToken = Annotated[str, StringConstraints(min_length=20, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=120), AfterValidator(_validate_line)]
# What residents said and wrote, and what is written of it
_WithoutSurrogates = BeforeValidator(_drop_surrogates)
WrittenLine = Annotated[
    str, StringConstraints(min_length=1, max_length=120), AfterValidator(_validate_written_line), _WithoutSurrogates
]
Prose = Annotated[
    str, StringConstraints(min_length=1, max_length=4000), AfterValidator(_validate_text), _WithoutSurrogates
]
Narrative = Annotated[
    str, StringConstraints(min_length=1, max_length=10_000), AfterValidator(_validate_text), _WithoutSurrogates
]
Title = Annotated[WrittenLine | None, BeforeValidator(_normalise_title)]
# of a caller: never refused for how it is written
Detail = Annotated[str | None, BeforeValidator(_detail_as_text), AfterValidator(_normalise_detail)]
PhoneField = Annotated[
    str | None,
    BeforeValidator(_detail_as_text),
    AfterValidator(_normalise_detail),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]}),
]
CodeWord = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[a-z0-9][a-z0-9_.-]*$")]
# `x-refers`: the noun of the directory whose items the code names, as in the schemas of the directory's own items
CategoryCode = Annotated[CodeWord, Field(json_schema_extra={"x-refers": "categories"})]
AreaCode = Annotated[CodeWord, Field(json_schema_extra={"x-refers": "areas"})]
DepartmentCode = Annotated[CodeWord, Field(json_schema_extra={"x-refers": "departments"})]
NumberWord = Annotated[
    str, StringConstraints(min_length=1, max_length=40), AfterValidator(_validate_text), _WithoutSurrogates
]


def _refuse_long_number(text: str) -> str:
    if holds_long_number(text):
        raise ValueError("no telephone number: addresses are written into logs; send it to POST /v1/search")
    return text


# of a parameter in an address, which proxies and browsers keep
PublicWords = AfterValidator(_refuse_long_number)
NullAsEmpty = BeforeValidator(_null_as_empty)  # of an object that may be left out


def _validate_rfc3339(value: object) -> object:
    """Pydantic would take a number for a moment too; we promise date-times with zone, and nothing else."""
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise ValueError("a date-time with zone, as 2026-11-25T08:00:00+08:00")
    return value


def _in_utc(moment: datetime) -> datetime:
    if not 1900 < moment.year < 2200:
        raise ValueError("a year between 1900 and 2200")
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, BeforeValidator(_validate_rfc3339), AfterValidator(_in_utc)]


def _validate_local_time(text: str) -> str:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?", text):
        raise ValueError("a local time of the roster, without a zone, as 2026-12-31T20:00")
    try:
        return datetime.fromisoformat(text).isoformat(timespec="minutes")
    except ValueError:
        raise ValueError("no such day or hour") from None


LocalTime = Annotated[str, StringConstraints(min_length=16, max_length=19), AfterValidator(_validate_local_time)]
Money = Annotated[float, Field(ge=0, le=100_000_000, allow_inf_nan=False)]
Lat = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Lon = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]


def _validate_date(value: Any) -> Any:
    """A date and nothing else: not the seconds since 1970, which would be taken for one too."""
    if isinstance(value, str) and _DAY.fullmatch(value) and _FIRST_DAY <= value <= _LAST_DAY:
        return value
    raise ValueError(f"a date as 2026-11-25, from {_FIRST_DAY} to {_LAST_DAY}")


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FIRST_DAY, _LAST_DAY = "2000-01-01", "2199-12-31"
Day = Annotated[date, BeforeValidator(_validate_date)]


MOST_FIELDS = 200


class Strict(BaseModel):
    """What callers send: an unknown field is an error, not a wish."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _not_too_many(cls, data: Any) -> Any:
        """Each unknown field is an error of its own: 25,000 of them would take a second to tell."""
        if isinstance(data, dict) and len(data) > MOST_FIELDS:
            raise ValueError(f"at most {MOST_FIELDS} fields")
        return data
