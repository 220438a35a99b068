"""What triage makes of a text."""

from dataclasses import dataclass
from typing import Any

from hotline.organisation.model.vocabulary import Danger, Kind, Priority
from hotline.text.reasons import Because


@dataclass(frozen=True, slots=True)
class AskedDanger:
    """A danger that the text leaves open, and the one question that decides it."""

    danger: Danger
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Advice:
    """What the rules make of a text. `confidence` is 0-1 and speaks of the category alone."""

    kind: Kind
    priority: Priority
    category: str | None
    area: str | None
    dangers: tuple[Danger, ...]
    confidence: float
    because: tuple[Because, ...]
    others: tuple[tuple[str, float], ...] = ()  # the next best categories
    tell: tuple[tuple[str, str], ...] = ()  # (zh, en): what the operator says at once
    ask: tuple[AskedDanger, ...] = ()
    symptoms: tuple[str, ...] = ()  # codes, in the order of the text

    def as_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "priority": self.priority,
            "category": self.category,
            "area": self.area,
            "dangers": list(self.dangers),
            "confidence": round(self.confidence, 2),
            "others": [{"category": code, "confidence": round(share, 2)} for code, share in self.others],
            "tell": [{"zh": zh, "en": en} for zh, en in self.tell],
            "ask": [{"danger": asked.danger, "zh": asked.zh, "en": asked.en} for asked in self.ask],
            "because": [b.as_dict() for b in self.because],
        }
