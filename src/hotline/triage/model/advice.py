"""What triage makes of a text."""

from dataclasses import asdict, dataclass
from typing import Any

from hotline.organisation.model.vocabulary import Danger, Kind, Priority
from hotline.text.reasons import Because
from hotline.triage.model.opinion import Opinion
from hotline.triage.model.places.parts import NO_PARTS, PART_NAMES, AddressParts
from hotline.triage.model.places.reader import PlaceCandidate


@dataclass(frozen=True, slots=True)
class AskedDanger:
    """A danger that the text leaves open, and the one question that decides it."""

    danger: Danger
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Matter:
    """One of several matters: the clauses that belong to it, its category and symptom (codes)."""

    text: str
    category: str
    symptom: str


@dataclass(frozen=True, slots=True)
class Advice:
    """What the rules make of a text, and a model beside them. `confidence` is 0-1 and speaks of the category alone;
    `decided`: the model, whose confidence reached the threshold of the category, decided it."""

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
    matters: tuple[Matter, ...] = ()  # where the text tells of more than one
    location: AddressParts = NO_PARTS  # of the address that the text is about
    places: tuple[PlaceCandidate, ...] = ()  # all places that may be meant
    opinion: Opinion | None = None
    decided: bool = False

    def is_sure(self, sure_at: float) -> bool:
        """Whether the category may be acted on without a person. `sure_at`: from which confidence the rules' may."""
        return self.decided or self.confidence >= sure_at

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
            "location": {name: getattr(self.location, name) for name in PART_NAMES},
            "places": [place.as_dict() for place in self.places],
            "because": [b.as_dict() for b in self.because],
            "ask": [{"danger": asked.danger, "zh": asked.zh, "en": asked.en} for asked in self.ask],
            "symptoms": list(self.symptoms),
            "matters": [asdict(matter) for matter in self.matters],
        }
