"""Annotations of directory items for forms: how a text is written, of which parts it is made, and which texts have
several lines. They are added to the JSON Schema."""

from collections.abc import Mapping
from typing import Any

from hotline.organisation.model.directory import SPAN_FIELDS
from hotline.organisation.model.vocabulary import Level, Receiver, Unit

# By noun, or by the type of a part (`Shift` of a roster): field, and a text as it is written there.
EXAMPLES: Mapping[str, Mapping[str, str]] = {
    "calendars": {"zone": "Asia/Shanghai", "hours": "09:00-12:00", "confirmed_to": "2026-12-31"},
    "ladders": {"steps": "80% head yellow"},
    "rosters": {"zone": "Asia/Shanghai"},
    "Shift": {"hours": "09:00-12:00", "since": "2026-01-01", "until": "2026-12-31"},
    "Override": {"start": "2026-12-31T20:00", "end": "2027-01-01T08:00"},
}
# The keys of a map: dates, but for these.
KEY_EXAMPLES: Mapping[str, Mapping[str, str]] = {"calendars": {"weekday_hours": "5"}}
MULTILINE: Mapping[str, tuple[str, ...]] = {
    "words": ("tell", "tell_en"),
    "routes": ("basis",),
    "Attribute": ("datatype_description",),
}

_SPAN: Mapping[str, Any] = {"format": "span", "x-units": [*Unit]}
# what a step of an escalation policy is made of: either a share of the limit or a span after its end
_STEP: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "share": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None},
        "later": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None, **_SPAN},
        "receivers": {"type": "array", "items": {"enum": [*Receiver], "family": "receiver"}},
        "level": {"enum": [*Level], "default": Level.BLUE, "family": "level"},
    },
}


def annotate(noun: str, schema: dict[str, Any]) -> None:
    """Adds `examples`, `x-multiline`, the units of a span and the parts of an escalation step to the schema of a noun's
    items, in place."""
    for field in SPAN_FIELDS.get(noun, ()):
        schema["properties"][field].update(_SPAN)
    if noun == "ladders":
        schema["properties"]["steps"]["items"]["x-parts"] = _STEP
    for name, part in {noun: schema, **schema.get("$defs", {})}.items():
        fields = part.get("properties", {})
        for field, example in EXAMPLES.get(name, {}).items():
            fields[field].get("items", fields[field])["examples"] = [example]
        for field, example in KEY_EXAMPLES.get(name, {}).items():
            fields[field]["propertyNames"] = {"examples": [example]}
        for field in MULTILINE.get(name, ()):
            fields[field]["x-multiline"] = True
