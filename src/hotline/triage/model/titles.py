"""A ticket's title: place and what is wrong, in the language and the characters it was told in."""

import re
from collections.abc import Callable

from hotline.organisation.model.directory import Directory
from hotline.organisation.model.items import NamedItem
from hotline.text.normalisation import normalise_text
from hotline.text.simplified import has_traditional, to_traditional
from hotline.triage.model.advice import Advice
from hotline.triage.model.guidance import in_naming_order

TITLE_LENGTH = 60  # characters
_LEAST_PLACE = 6  # characters; with less room than that the place says nothing
_SEPARATOR = " · "
_CJK = re.compile("[\u3400-\u9fff]")


def make_title(directory: Directory, advice: Advice, narrative: str, address: str | None = None) -> str:
    """Place and what is wrong: every danger, or without one the symptom, or the category where no symptom was found. A
    narrative of which nothing was understood is its own title, without what it greets with."""
    name_of = _naming(narrative)
    matters = _dangers_of(directory, advice) or _matter_of(directory, advice)
    if not matters:
        return shorten(strip_greeting(directory, narrative))
    joint = "、" if _CJK.search(narrative) is not None else ", "
    what = shorten(joint.join(map(name_of, matters)))
    area = directory.areas.get(advice.area or "")
    where = name_of(area) if area is not None else address
    room = TITLE_LENGTH - len(what) - len(_SEPARATOR)
    if not where or room < _LEAST_PLACE:
        return what
    return _SEPARATOR.join((shorten(where, room), what))


def _dangers_of(directory: Directory, advice: Advice) -> list[NamedItem]:
    """Each danger once: the symptom that was found of its category, or its own name."""
    named: dict[str, NamedItem] = {}
    for danger in in_naming_order(advice.dangers):
        hazard = directory.hazards.get(danger)
        if hazard is not None:
            symptom = _symptom_of(directory, advice, hazard.category)
            named.setdefault(symptom.code if symptom is not None else hazard.code, symptom or hazard)
    return list(named.values())


def _matter_of(directory: Directory, advice: Advice) -> list[NamedItem]:
    category = directory.categories.get(advice.category or "")
    symptom = next((directory.symptoms[code] for code in advice.symptoms if code in directory.symptoms), None)
    if symptom is not None and category is not None and symptom.category != category.code:
        symptom = None
    matter: NamedItem | None = symptom or category
    return [matter] if matter is not None else []


def _symptom_of(directory: Directory, advice: Advice, category: str | None) -> NamedItem | None:
    """The first symptom that was found of this category."""
    found = (directory.symptoms[code] for code in advice.symptoms if code in directory.symptoms)
    return next((symptom for symptom in found if category is not None and symptom.category == category), None)


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


def shorten(text: str, length: int = TITLE_LENGTH) -> str:
    """At most so many characters; an ellipsis stands for what was cut."""
    return text if len(text) <= length else text[: length - 1] + "…"
