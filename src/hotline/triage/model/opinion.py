"""What a model that learned from earlier decisions makes of a text, and how far triage follows it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hotline.organisation.model.directory import Directory
from hotline.organisation.model.items import Category
from hotline.organisation.model.vocabulary import Kind, Priority
from hotline.text.reasons import Because


@dataclass(frozen=True, slots=True)
class Opinion:
    """`version`: of the model. `category`: None where it abstains. `confidence` is calibrated, 0-1; `sure`: it reaches
    the threshold of its category. `acting`: triage may follow it; otherwise it is only recorded. `ngrams`: those that
    weighed most."""

    version: int
    acting: bool
    category: str | None
    confidence: float
    sure: bool
    kind: Kind | None = None
    department: str | None = None
    ngrams: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "acting": self.acting,
            "category": self.category,
            "confidence": round(self.confidence, 3),
            "sure": self.sure,
            "kind": self.kind,
            "department": self.department,
        }


# The opinion on a folded text; None: there is no model. The directory is today's: what it lacks is never named.
FormOpinion = Callable[[str, Directory], Opinion | None]


def may_follow(opinion: Opinion | None, directory: Directory, said: Category | None, *, danger: bool) -> bool:
    """Whether the opinion decides the category. Not beside a danger, and not away from a category whose tickets are
    confidential. `said`: the category by the rules; `danger`: one was found or asked about."""
    return (
        opinion is not None
        and opinion.acting
        and opinion.sure
        and opinion.category in directory.categories
        and not danger
        and not (said is not None and (said.confidential or said.priority is Priority.EMERGENCY))
    )


def reason_of(opinion: Opinion) -> Because:
    """Its line among the reasons."""
    return Because(f"model:{opinion.version}", opinion.ngrams if opinion.category else ())
