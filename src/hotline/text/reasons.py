"""Reasons for the decisions of triage, routing and deadlines: a rule and what it matched."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Because:
    """One reason: the rule, and the words, codes or moments that made it fire."""

    rule: str
    matched: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return {"rule": self.rule, "matched": list(self.matched)}
