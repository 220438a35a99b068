"""Triage: finds danger words first, then place, category and kind, each with the words and the rule that led to it.

The result is advice. A person's choice takes precedence, and both are stored; no statistic overrules a danger word.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hotline.organisation.model.directory import Directory
from hotline.organisation.model.items import Category, Words
from hotline.organisation.model.vocabulary import Danger, Kind, Priority
from hotline.text.normalisation import WordFinder, fold_sentences, fold_text, is_latin
from hotline.text.reasons import Because

DANGER_IS_SURE = 0.95
_BLOT = "\u25a0"


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
            "because": [b.as_dict() for b in self.because],
        }


Rule = tuple[Words, tuple[str, ...], tuple[str, ...]]  # the rule, its words and those that must stand near, folded


@dataclass(frozen=True)
class Lexicon:
    """A directory made ready for matching: every word folded once, looked up by the word. Built anew when it
    changes."""

    directory: Directory
    ignore: tuple[str, ...] = ()  # longest first
    past: frozenset[str] = frozenset()
    rules: Mapping[str, tuple[int, ...]] = field(default_factory=dict)  # word -> places in `ruled`
    ruled: tuple[Rule, ...] = ()
    categories: Mapping[str, tuple[Category, ...]] = field(default_factory=dict)  # word -> the categories it hints at
    places: Mapping[str, str] = field(default_factory=dict)  # name -> area; "" where several share it
    depth: Mapping[str, int] = field(default_factory=dict)
    words: WordFinder = field(default_factory=lambda: WordFinder(()))


def build_lexicon(directory: Directory) -> Lexicon:
    """Make a directory ready for `advise`."""
    rules = [
        w for w in directory.words.values() if w.danger is not None or w.kind is not None or w.priority is not None
    ]
    rules_with_words = tuple((w, tuple(map(fold_text, w.words)), tuple(map(fold_text, w.near))) for w in rules)
    by_word: dict[str, list[int]] = {}
    for place, (_, words, _) in enumerate(rules_with_words):
        for word in words:
            by_word.setdefault(word, []).append(place)
    hints: dict[str, list[Category]] = {}
    for category in directory.categories.values():
        if category.active:
            for word in category.words:
                hints.setdefault(fold_text(word), []).append(category)
    names: dict[str, str] = {}
    for area in directory.areas.values():
        if area.active:
            for name in (area.name, area.name_en, *area.aliases):
                # a name two places share says nothing by itself
                key = fold_text(name)
                if len(key) > 1:
                    names[key] = area.code if names.get(key, area.code) == area.code else ""
    past = frozenset(fold_text(x) for w in directory.words.values() if w.past for x in w.words)
    near = [x for _, _, words in rules_with_words for x in words]
    return Lexicon(
        directory=directory,
        ignore=tuple(
            sorted((fold_text(x) for w in directory.words.values() if w.ignore for x in w.words), key=len, reverse=True)
        ),
        past=past,
        rules={word: tuple(places) for word, places in by_word.items()},
        ruled=rules_with_words,
        categories={word: tuple(found) for word, found in hints.items()},
        places=names,
        depth={code: len(directory.area_path(code)) for code in directory.areas},
        words=WordFinder((*by_word, *hints, *near, *past, *names)),
    )


def advise(lexicon: Lexicon, narrative: str, address: str | None = None) -> Advice:
    """Advice on a narrative and the place named with it."""
    because: list[Because] = []
    text = fold_text(narrative)
    place = f"{fold_text(address)} {text}" if address else text
    ignored = [phrase for phrase in lexicon.ignore if phrase in text]
    masked_text = _mask_phrases(text, ignored, because)
    named = lexicon.words.find(place)  # words and place names in one pass
    begins = len(place) - len(text)
    found = frozenset(word for word, places in named.items() if places[-1] >= begins)
    # an address in front changes no count: it is compared with the sentences of the narrative alone
    if ignored:
        left = {w: at for w, at in lexicon.words.find(masked_text).items() if w in found}
    else:
        left = {w: [n for n in named[w] if n >= begins] for w in found}
    rules = sorted({n for word in found for n in lexicon.rules.get(word, ())})
    dangers, advice_texts, danger_category = _dangers(lexicon, narrative, ignored, left, rules, because)
    category, confidence, others = _category(lexicon, found, dangers, because)
    if danger_category is not None and (category is None or category.priority is not Priority.EMERGENCY):
        # an emergency is given the category of its danger word, without waiting for a person to choose
        category, confidence = lexicon.directory.categories[danger_category], DANGER_IS_SURE
        because.append(Because(f"category:{danger_category}", tuple(dangers)))
    kind = _kind(lexicon, found, rules, category, because)
    area = _area(lexicon, place, named, because)
    return Advice(
        kind=kind,
        priority=_priority(lexicon, found, rules, category, dangers, because),
        category=category.code if category else None,
        area=area,
        dangers=dangers,
        confidence=confidence,
        because=tuple(because),
        others=others,
        tell=advice_texts,
    )


def _mask_phrases(text: str, ignored: Sequence[str], because: list[Because] | None = None) -> str:
    """The text without the phrases that only look dangerous, longest first."""
    for phrase in ignored:
        if phrase in text:
            text = text.replace(phrase, _BLOT)
            if because is not None:
                because.append(Because("ignore", (phrase,)))
    return text


def _hit(rule: Rule, found: Collection[str]) -> list[str]:
    """The rule's words that were found, if what must stand near was found too."""
    _, words, near = rule
    return [w for w in words if w in found] if not near or any(n in found for n in near) else []


def _dangers(
    lexicon: Lexicon,
    narrative: str,
    ignored: Sequence[str],
    found: Mapping[str, Sequence[int]],
    rules: Iterable[int],
    because: list[Because],
) -> tuple[tuple[Danger, ...], tuple[tuple[str, str], ...], str | None]:
    """The dangers, what is told the caller at once, and the category of the first. `found`: words and their places."""
    dangers: dict[Danger, None] = {}
    meant: str | None = None
    advice_texts: dict[tuple[str, str], None] = {}
    present: Collection[str] | None = None
    for rule in (lexicon.ruled[n] for n in rules):
        kind = rule[0]
        if kind.danger is None or not (hits := _hit(rule, found)):
            continue
        if present is None:
            present = _present_words(lexicon, narrative, ignored, found)
        now = [h for h in hits if h in present]
        if not now:  # every sentence that names it says it is over
            because.append(Because(f"{kind.code}:past", tuple(hits)))
            continue
        dangers[kind.danger] = None
        meant = meant or kind.category
        if kind.tell:
            advice_texts[(kind.tell, kind.tell_en or kind.tell)] = None
        because.append(Because(kind.code, tuple(now)))
    return tuple(dangers), tuple(advice_texts), meant


def _present_words(
    lexicon: Lexicon, narrative: str, ignored: Sequence[str], found: Mapping[str, Sequence[int]]
) -> Collection[str]:
    """The words found that stand in a sentence without a word of the past. One that is broken by a line break stands in
    no sentence: it counts as present."""
    if lexicon.past.isdisjoint(found):
        return found
    present: set[str] = set()
    embedded: dict[str, int] = {}
    for sentence in fold_sentences(narrative):
        words = lexicon.words.find(_mask_phrases(sentence, ignored))
        for word, places in words.items():
            embedded[word] = embedded.get(word, 0) + len(places)
        if lexicon.past.isdisjoint(words):
            present.update(words)
    return present | {word for word, places in found.items() if len(places) > embedded.get(word, 0)}


def _category(
    lexicon: Lexicon, found: frozenset[str], dangers: tuple[Danger, ...], because: list[Because]
) -> tuple[Category | None, float, tuple[tuple[str, float], ...]]:
    """The category whose words weigh most. A longer word is worth more; two different words more than one twice.

    Where a danger word stands, a category made for emergencies goes before all others: "the lift is broken and
    somebody is inside" is about the somebody."""
    hinted: dict[str, tuple[Category, list[str]]] = {}
    for word in sorted(found):
        for category in lexicon.categories.get(word, ()):
            hinted.setdefault(category.code, (category, []))[1].append(word)
    own: dict[str, float] = {}
    words: dict[str, tuple[str, ...]] = {}
    for code, (_, hits) in hinted.items():
        alone = tuple(h for h in hits if not any(h != other and h in other for other in hits))
        words[code] = alone
        own[code] = sum(1.0 + min(len(h), 8) / (2 if not h.isascii() else 6) for h in alone)
    paths = {code: lexicon.directory.category_path(code) for code in own}
    # what speaks for a root speaks for its leaf too, once a word of the leaf's own stands there
    scored = [(sum(own.get(c, 0.0) for c in paths[code]), hinted[code][0], words[code]) for code in own]
    if not scored:
        return None, 0.0, ()
    urgent = bool(dangers) and any(c.priority is Priority.EMERGENCY for _, c, _ in scored)
    scored.sort(
        key=lambda s: (urgent and s[1].priority is not Priority.EMERGENCY, -s[0], -len(paths[s[1].code]), s[1].code)
    )
    best, category, named = scored[0]
    kin = {*paths[category.code], *(c for c in own if category.code in paths[c])}
    rivals = [s for s in scored[1:] if s[1].code not in kin and (not urgent or s[1].priority is Priority.EMERGENCY)]
    second = max((s[0] for s in rivals), default=0.0)
    confidence = min(0.99, (best / (best + second)) * (1 - 0.5**best))
    because.append(Because(f"category:{category.code}", named))
    total = sum(s[0] for s in scored)
    return category, confidence, tuple((c.code, score / total) for score, c, _ in scored[1:3])


def _kind(
    lexicon: Lexicon, found: frozenset[str], rules: Iterable[int], category: Category | None, because: list[Because]
) -> Kind:
    for rule in (lexicon.ruled[n] for n in rules):
        if rule[0].kind is not None and (hits := _hit(rule, found)):
            because.append(Because(rule[0].code, tuple(hits)))
            return rule[0].kind
    return category.kind if category else Kind.REQUEST


def _priority(
    lexicon: Lexicon,
    found: frozenset[str],
    rules: Iterable[int],
    category: Category | None,
    dangers: tuple[Danger, ...],
    because: list[Because],
) -> Priority:
    if dangers and set(dangers) != {Danger.UNREST}:
        return Priority.EMERGENCY
    for rule in (lexicon.ruled[n] for n in rules):
        if rule[0].priority is not None and (hits := _hit(rule, found)):
            because.append(Because(rule[0].code, tuple(hits)))
            return rule[0].priority
    if dangers:  # unrest goes to a duty leader at once, but calls no rescue
        return Priority.URGENT
    default = category.priority if category else Priority.NORMAL
    # without a danger in the words, a category is no alarm
    return Priority.URGENT if default is Priority.EMERGENCY else default


def _area(
    lexicon: Lexicon, searched_text: str, found_words: Mapping[str, Sequence[int]], because: list[Because]
) -> str | None:
    """The smallest place named, and of places that lie in each other the inner one; longest names first. `found_words`:
    words and where they begin."""
    found: dict[str, str] = {}
    covered = bytearray(len(searched_text))  # what a longer name stands for
    for name in sorted((n for n in found_words if n in lexicon.places), key=lambda n: (-len(n), n)):
        code = lexicon.places[name]
        for at in found_words[name] if code else ():
            end = at + len(name)
            # building 1 is not building 21, and "north" is not "northern"
            before = name[0].isascii() and is_latin(searched_text[at - 1 : at]) and not covered[at - 1]
            after = name[-1].isascii() and is_latin(searched_text[end : end + 1]) and not covered[end]
            if before or after or covered.find(1, at, end) >= 0:
                continue
            covered[at:end] = b"\x01" * len(name)
            found.setdefault(code, name)
    if not found:
        return None
    inner = max(found, key=lambda code: (lexicon.depth.get(code, 0), code))
    outside = [c for c in found if c not in lexicon.directory.area_path(inner)]
    if any(lexicon.depth.get(c, 0) >= lexicon.depth.get(inner, 0) for c in outside):
        common = set.intersection(*(set(lexicon.directory.area_path(c)) for c in found))
        inner = max(common, key=lambda code: lexicon.depth.get(code, 0), default="")
        because.append(Because("area:several", tuple(found.values())))
        return inner or None
    because.append(Because(f"area:{inner}", tuple(found.values())))
    return inner
