"""A ticket's title: place and what is wrong, in the language and the characters it was told in."""

import re
from collections.abc import Callable

from hotline.organisation.model.directory import Directory
from hotline.organisation.model.items import NamedItem
from hotline.text.normalisation import normalise_text
from hotline.text.simplified import has_traditional, to_traditional
from hotline.triage.model.advice import Advice

TITLE_LENGTH = 60  # characters
_SEPARATOR = " · "
_CJK = re.compile("[\u3400-\u9fff]")


def make_title(directory: Directory, advice: Advice, narrative: str, address: str | None = None) -> str:
    """Place and symptom, or danger or category where no symptom was found. A narrative of which nothing was understood
    is its own title, without what it greets with."""
    name_of = _naming(narrative)
    category = directory.categories.get(advice.category or "")
    hazard = directory.hazards.get(advice.dangers[0]) if advice.dangers else None
    symptom = next((directory.symptoms[code] for code in advice.symptoms if code in directory.symptoms), None)
    if symptom is not None and category is not None and symptom.category != category.code:
        symptom = None
    matter: NamedItem | None = symptom or hazard or category
    if matter is None:
        return shorten(strip_greeting(directory, narrative))
    area = directory.areas.get(advice.area or "")
    parts = [name_of(area)] if area is not None else [address] if address else []
    return shorten(_SEPARATOR.join((*parts, name_of(matter))))


def _naming(narrative: str) -> Callable[[NamedItem], str]:
    """How names are written for who told this: in English, in traditional or in simplified characters."""
    if _CJK.search(narrative) is None:
        return lambda item: item.name_en
    if has_traditional(normalise_text(narrative)):
        return lambda item: to_traditional(item.name)
    return lambda item: item.name


def strip_greeting(directory: Directory, narrative: str) -> str:
    """The narrative without the words of greeting and introduction that it begins with (word list `greeting`), and
    without those that are one only where a pause or another of them follows (`greeting-paused`)."""
    paused = _words_of(directory, "greeting-paused")
    words = sorted(_words_of(directory, "greeting") | paused, key=len, reverse=True)
    text = " ".join(narrative.split())
    begun = text.casefold()
    start, moved = 0, True
    while moved:
        moved = False
        while start < len(text) and not text[start].isalnum():
            start += 1
        for word in words:
            end = start + len(word)
            whole = not begun[end : end + 1].isalnum()
            if not word.isascii():
                whole = whole or word not in paused or any(begun.startswith(each, end) for each in words)
            if begun.startswith(word, start) and whole:
                start, moved = end, True
                break
    return text[start:] or text


def _words_of(directory: Directory, name: str) -> frozenset[str]:
    listed = directory.word_lists.get(name)
    return frozenset(word.casefold() for word in listed.words) if listed is not None else frozenset()


def shorten(text: str) -> str:
    """At most TITLE_LENGTH characters; an ellipsis stands for what was cut."""
    return text if len(text) <= TITLE_LENGTH else text[: TITLE_LENGTH - 1] + "…"
