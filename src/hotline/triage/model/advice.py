"""What triage makes of a text."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from hotline.organisation.model.vocabulary import Danger, Kind, Priority
from hotline.text.reasons import Because
from hotline.triage.model.opinion import Opinion
from hotline.triage.model.places.parts import NO_PARTS, PART_NAMES, AddressParts
from hotline.triage.model.places.reader import PlaceCandidate

PLACE_QUESTION = "take.ask_place"  # the key in the catalogues of what is asked where an emergency names no place


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
    asks_place: bool = False  # an emergency of which nothing says where it is: that is asked before all else
    place_question: tuple[str, str] | None = None  # its words (zh, en), which stand in the catalogues
    symptoms: tuple[str, ...] = ()  # codes, in the order of the text
    matters: tuple[Matter, ...] = ()  # where the text tells of more than one
    location: AddressParts = NO_PARTS  # of the address that the text is about
    places: tuple[PlaceCandidate, ...] = ()  # all places that may be meant
    elsewhere: bool = False  # the matter is in an estate that the directory does not know
    opinion: Opinion | None = None
    decided: bool = False

    def is_sure(self, sure_at: float) -> bool:
        """Whether the category may be acted on without a person. `sure_at`: from which confidence the rules' may."""
        return self.decided or self.confidence >= sure_at

    def with_place_question(self, words: tuple[str, str], *, known: bool) -> "Advice":
        """The advice with the question about the place, in these words (zh, en), where that is to be asked. `known`:
        the call was given an area or a point on the map, not by its text."""
        return replace(self, place_question=words) if self.asks_place and not known else self

    def questions(self) -> tuple[tuple[Danger | None, str, str], ...]:
        """What the operator asks, in that order: (danger that it decides, zh, en). None: it is about the place."""
        place = ((None, *self.place_question),) if self.place_question is not None else ()
        return (*place, *((asked.danger, asked.zh, asked.en) for asked in self.ask))

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
            "ask": [{"danger": danger, "zh": zh, "en": en} for danger, zh, en in self.questions()],
            "symptoms": list(self.symptoms),
            "matters": [asdict(matter) for matter in self.matters],
        }
