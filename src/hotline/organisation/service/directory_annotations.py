"""Annotations of directory items for forms: how a text is written, and which texts have several lines. They are added
to the JSON Schema."""

from collections.abc import Mapping
from typing import Any

# By noun, or by the type of a part (`Shift` of a roster): field, and a text as it is written there.
EXAMPLES: Mapping[str, Mapping[str, str]] = {
    "calendars": {"zone": "Asia/Shanghai", "hours": "09:00-12:00", "confirmed_to": "2026-12-31"},
    "policies": {
        "dispatch": "30 calendar_minutes",
        "accept": "2 working_hours",
        "contact": "4 working_hours",
        "resolve": "5 working_days",
        "redo": "2 working_days",
    },
    "ladders": {"steps": "80% head yellow", "repeat": "1 working_days"},
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


def annotate(noun: str, schema: dict[str, Any]) -> None:
    """Adds `examples` and `x-multiline` to the schema of a noun's items, in place."""
    for name, part in {noun: schema, **schema.get("$defs", {})}.items():
        fields = part.get("properties", {})
        for field, example in EXAMPLES.get(name, {}).items():
            fields[field].get("items", fields[field])["examples"] = [example]
        for field, example in KEY_EXAMPLES.get(name, {}).items():
            fields[field]["propertyNames"] = {"examples": [example]}
        for field in MULTILINE.get(name, ()):
            fields[field]["x-multiline"] = True
