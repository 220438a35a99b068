"""What replies of the API hold in one Chinese form, in traditional characters: names of the directory, and the texts of
labels that stand in no file of the browser. For what the browser draws."""

import asyncio
from collections.abc import Mapping

from hotline.locales import text_keys, translate
from hotline.organisation.model.directory import Directory
from hotline.text.simplified import to_traditional

_NAMED = ("house", "calendars", "departments", "areas", "categories", "rosters", "symptoms", "hazards")
_SAID = ("incident_say.", "danger_ask.")  # labels of advice


async def load_traditional_names(directory: Directory) -> Mapping[str, str]:
    """By the name or text as replies hold it; without those that are the same. Of ten thousand names it takes a tenth
    of a second, so a thread does it."""
    return await asyncio.to_thread(_traditional_names, directory)


def _traditional_names(directory: Directory) -> dict[str, str]:
    found = {translate(key, "zh-Hans"): translate(key, "zh-Hant") for prefix in _SAID for key in text_keys(prefix)}
    # of an incident's title, between its area and its matter
    unit, unit_traditional = (translate("address.unit", form, n="").strip() for form in ("zh-Hans", "zh-Hant"))
    found[unit] = unit_traditional
    given = {item.name for noun in _NAMED for item in directory.noun(noun).values()}
    found |= {name: to_traditional(name) for name in given}
    return {name: found[name] for name in sorted(found) if name and found[name] != name}
