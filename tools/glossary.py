"""The second half of docs/glossary.md, the words of the vocabularies, from the code and the catalogues of texts:
`python -m tools.glossary` writes it anew (`make docs`)."""

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from hotline.locales import translate
from hotline.locales.labels import label_key
from hotline.organisation.model.actors import Role
from hotline.organisation.model.vocabulary import (
    AreaLevel,
    Channel,
    Danger,
    DepartmentKind,
    Hours,
    Kind,
    Level,
    Metric,
    Priority,
)
from hotline.reporting.model import FIGURES
from hotline.sms.model.status import TextStatus
from hotline.tickets.model.vocabulary import (
    Action,
    AssignmentStatus,
    AttachmentPurpose,
    Colour,
    DeclineReason,
    DepartureReason,
    Fault,
    Funding,
    Outcome,
    Part,
    Reached,
    ReturnReason,
    Satisfaction,
    TicketStatus,
    VoidReason,
)

GUIDE = Path(__file__).parents[1] / "docs" / "glossary.md"
BEGINS = "<!-- From here on made by `make docs`. -->\n"
VOCABULARIES: dict[str, type[StrEnum]] = {
    "States of a ticket": TicketStatus,
    "States of an assignment": AssignmentStatus,
    "Actions": Action,
    "How a ticket ended": Outcome,
    "Roles": Role,
    "Kinds": Kind,
    "Priorities": Priority,
    "Channels": Channel,
    "Dangers": Danger,
    "Part of a department in a ticket": Part,
    "Ratings": Satisfaction,
    "What a photo or file shows": AttachmentPurpose,
    "Call-back attempts": Reached,
    "Reasons to decline": DeclineReason,
    "Reasons to void": VoidReason,
    "Reasons to return an assignment": ReturnReason,
    "Reasons to take an order from somebody who is gone": DepartureReason,
    "Reasons to reject a result": Fault,
    "Funding": Funding,
    "Clocks": Metric,
    "Colours of a clock": Colour,
    "Levels of supervision and escalation": Level,
    "Kinds of department": DepartmentKind,
    "Levels of an area": AreaLevel,
    "Hours of a route": Hours,
    "States of a text message": TextStatus,
}


def _table(title: str, words: Iterable[tuple[str, str]]) -> Iterable[str]:
    """A section: a line for each word and the key of its text."""
    yield f"\n### {title}\n\n| code | English | 简体中文 | 繁體中文 |\n|---|---|---|---|\n"
    for word, key in words:
        yield f"| `{word}` | {' | '.join(translate(key, language) for language in ('en', 'zh-Hans', 'zh-Hant'))} |\n"


def vocabulary() -> str:
    """The words of every vocabulary with a label, and the figures, as Markdown."""
    parts = [BEGINS]
    for title, words in VOCABULARIES.items():
        parts += _table(title, [(str(word), label_key(word)) for word in words])
    parts += _table("Figures", [(code, f"figure.{code}") for code in FIGURES])
    return "".join(parts)


def main() -> None:
    """Replace that half of the glossary."""
    kept = GUIDE.read_text(encoding="utf-8").partition(BEGINS)[0]
    GUIDE.write_text(kept + vocabulary(), encoding="utf-8")


if __name__ == "__main__":
    main()
