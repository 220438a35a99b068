"""Types that all replies share: named items, texts for people, problems; and how a reply becomes bytes.

A reply is a frozen dataclass. It is rendered as it stands, and its fields are the published schema."""

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Annotated, Any, Literal, Protocol

import orjson
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from hotline.locales.labels import Label, label
from hotline.replies import reply_type
from hotline.web.rule_texts import translate_rule


def never_null(schema: dict[str, Any]) -> None:
    """Of a key that may be left out, and is never null."""
    schema.pop("default", None)
    options = [option for option in schema.pop("anyOf", ()) if option != {"type": "null"}]
    schema.update(options[0] if len(options) == 1 else {"anyOf": options} if options else {})


LEFT_OUT = Field(json_schema_extra=never_null)  # of a body's field: absent means unchanged, null is refused


def encode_json(body: Any) -> bytes:
    """The reply as JSON bytes. Vocabularies may be keys."""
    return orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS)


def dump_json(body: Any) -> str:
    """The reply as JSON."""
    return encode_json(body).decode()


@reply_type()
class AllowedAction:
    """What would be accepted now instead of what was refused, and the fields it needs."""

    action: Annotated[str, Field(description="An action of `GET /v1/lifecycle`")]
    label: Label
    needs: tuple[str, ...]


# with the vocabulary: words of two of them are equal as texts
_ALLOWED: dict[tuple[type[StrEnum], StrEnum, tuple[StrEnum, ...]], AllowedAction] = {}


class AllowedMove(Protocol):
    """What may be done: an action, and the fields it needs."""

    @property
    def action(self) -> StrEnum: ...

    @property
    def fields(self) -> tuple[StrEnum, ...]: ...


def allowed_action(move: AllowedMove) -> AllowedAction:
    """An allowed action as a problem lists it. Made once for each."""
    key = (type(move.action), move.action, move.fields)
    known = _ALLOWED.get(key)
    if known is None:
        # as plain text, which is rendered three times as fast as a word of a vocabulary
        known = _ALLOWED[key] = AllowedAction(str(move.action), label(move.action), tuple(map(str, move.fields)))
    return known


@reply_type()
class ErrorOut:
    """A field and the rule it breaks, in English and in both written forms of Chinese."""

    field: str
    rule: str
    rule_zh: str
    rule_zh_hant: str


def render_error(field: str, rule: str) -> ErrorOut:
    """The rule of a field in all three written forms."""
    hans, hant = translate_rule(rule) or (rule, rule)
    return ErrorOut(field, rule, hans, hant)


@dataclass(frozen=True)
class Problem:
    """RFC 9457. `type` is stable: `urn:hotline:problem:<code>`. Keys without a value are left out."""

    type: str
    title: str
    title_zh: str
    status: int
    detail: str
    errors: tuple[ErrorOut, ...]
    version: Annotated[
        int | SkipJsonSchema[None], Field(description="The version there is now", json_schema_extra=never_null)
    ] = None
    allowed_actions: Annotated[
        tuple[AllowedAction, ...] | SkipJsonSchema[None],
        Field(description="What would be accepted now; with 409 `not-now` and with 412", json_schema_extra=never_null),
    ] = None
    applied: Annotated[
        bool | Literal["unknown"] | SkipJsonSchema[None],
        Field(description="With 5xx: whether anything may have been written", json_schema_extra=never_null),
    ] = None

    def render(self) -> bytes:
        """As JSON, without the keys that have nothing to say."""
        members = {f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not None}
        return orjson.dumps(members)
