"""Labels of the vocabulary's words: under which prefix each stands in the catalogues."""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache

from hotline.locales import translate_pair

# where it is not the name in snake case
_FAMILIES = {
    "ActorKind": "actor",
    "AssignmentStatus": "order",
    "TextStatus": "text",
    "TicketStatus": "status",
}


def family_of(vocabulary: type[StrEnum]) -> str:
    """The prefix of a vocabulary's labels: `decline_reason` of DeclineReason."""
    name = vocabulary.__name__
    return _FAMILIES.get(name) or re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def label_key(word: StrEnum) -> str:
    """The key of a word's label: `status.closed` of TicketStatus.CLOSED."""
    return f"{family_of(type(word))}.{word}"


@dataclass(frozen=True)  # rendered a dozen times in a reply: without slots that is twice as fast
class Label:
    """A text for people, in simplified Chinese and English, as replies hold it."""

    zh: str
    en: str


@cache
def label_of_key(key: str) -> Label:
    """The text of a key."""
    return Label(*translate_pair(key))


@lru_cache(maxsize=None, typed=True)  # typed: words of different vocabularies are equal as texts
def label_pair(word: StrEnum) -> tuple[str, str]:
    """A word in simplified Chinese and in English, as replies hold it."""
    return translate_pair(label_key(word))


@lru_cache(maxsize=None, typed=True)
def label(word: StrEnum) -> Label:
    """The same as one object, which replies share."""
    return Label(*label_pair(word))


def public_status(status: str) -> tuple[str, str]:
    """A ticket's state as residents read it."""
    return translate_pair(f"public_status.{status}")


def public_action(action: StrEnum) -> tuple[str, str]:
    """A step as residents read it. It must be one of PUBLIC_ACTIONS of `tickets/model/visibility`."""
    return translate_pair(f"public_action.{action}")
