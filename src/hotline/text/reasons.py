"""Why the rules say what they say: a rule and what it matched. Triage, routing and deadlines explain themselves so."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Because:
    """One reason: the rule, and the words, codes or moments that made it fire."""

    rule: str
    matched: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return {"rule": self.rule, "matched": list(self.matched)}
