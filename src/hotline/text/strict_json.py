"""Reading a JSON document that another system wrote, strictly."""

import json
from typing import Any


def parse_strict_json(raw: bytes) -> Any:
    """A whole JSON document in UTF-8, with or without a byte order mark. Raises ValueError where it is none, is nested
    too deeply, or repeats a name: of two values it is unclear which was meant."""
    repeated: list[str] = []

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            names = [name for name, _ in pairs]
            repeated.extend(name for name in found if names.count(name) > 1)
        return found

    try:
        data = json.loads(raw.decode("utf-8-sig"), object_pairs_hook=once)
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if repeated:
        raise ValueError(f"a name stands twice in one object: {repeated[0][:80]}")
    return data
