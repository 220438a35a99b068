"""Danger words, and whether a sentence says that they are over."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from hotline.organisation.model.vocabulary import Danger
from hotline.text.normalisation import fold_sentences
from hotline.text.reasons import Because
from hotline.triage.model.lexicon import Lexicon, Rule

_BLOT = "\u25a0"


def mask_phrases(text: str, ignored: Sequence[str], because: list[Because] | None = None) -> str:
    """The text without the phrases that only look dangerous, longest first."""
    for phrase in ignored:
        if phrase in text:
            text = text.replace(phrase, _BLOT)
            if because is not None:
                because.append(Because("ignore", (phrase,)))
    return text


def rule_hits(rule: Rule, found: Collection[str]) -> list[str]:
    """The rule's words that were found, if what must stand near was found too."""
    _, words, near = rule
    return [w for w in words if w in found] if not near or any(n in found for n in near) else []


def find_dangers(
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
    tell: dict[tuple[str, str], None] = {}
    present: Collection[str] | None = None
    for rule in (lexicon.ruled[n] for n in rules):
        said = rule[0]
        if said.danger is None or not (hits := rule_hits(rule, found)):
            continue
        if present is None:
            present = _words_in_present(lexicon, narrative, ignored, found)
        now = [h for h in hits if h in present]
        if not now:  # every sentence that names it says it is over
            because.append(Because(f"{said.code}:past", tuple(hits)))
            continue
        dangers[said.danger] = None
        meant = meant or said.category
        if said.tell:
            tell[(said.tell, said.tell_en or said.tell)] = None
        because.append(Because(said.code, tuple(now)))
    return tuple(dangers), tuple(tell), meant


def _words_in_present(
    lexicon: Lexicon, narrative: str, ignored: Sequence[str], found: Mapping[str, Sequence[int]]
) -> Collection[str]:
    """The words found that stand in a sentence without a word of the past. One that is broken by a line break stands in
    no sentence: it counts as present."""
    if lexicon.past.isdisjoint(found):
        return found
    present: set[str] = set()
    whole: dict[str, int] = {}
    for sentence in fold_sentences(narrative):
        words = lexicon.words.find(mask_phrases(sentence, ignored))
        for word, places in words.items():
            whole[word] = whole.get(word, 0) + len(places)
        if lexicon.past.isdisjoint(words):
            present.update(words)
    return present | {word for word, places in found.items() if len(places) > whole.get(word, 0)}
