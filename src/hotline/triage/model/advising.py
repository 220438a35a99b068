"""Triage: finds danger words first, then place, category and kind, each with the words and the rule that led to it.

The result is advice. A person's choice takes precedence, and both are stored; no statistic overrules a danger word.
"""

from hotline.organisation.model.vocabulary import Priority
from hotline.text.normalisation import fold_text
from hotline.text.reasons import Because
from hotline.triage.model.advice import Advice
from hotline.triage.model.categories import find_category, find_kind, find_priority
from hotline.triage.model.dangers import find_dangers, mask_phrases
from hotline.triage.model.lexicon import Lexicon
from hotline.triage.model.places.reader import read_places

DANGER_IS_SURE = 0.95


def advise(lexicon: Lexicon, narrative: str, address: str | None = None, near: str | None = None) -> Advice:
    """Advice on a narrative and the address given with it. `near`: the area the call is known to be about or to come
    from."""
    because: list[Because] = []
    text = fold_text(narrative)
    ignored = [phrase for phrase in lexicon.ignore if phrase in text]
    masked_text = mask_phrases(text, ignored, because)
    named = lexicon.words.find(text)
    found = frozenset(named)
    left = {w: at for w, at in lexicon.words.find(masked_text).items() if w in found} if ignored else named
    rules = sorted({n for word in found for n in lexicon.rules.get(word, ())})
    dangers, tell, danger_category = find_dangers(lexicon, narrative, ignored, left, rules, because)
    category, confidence, others = find_category(lexicon, found, dangers, because)
    if danger_category is not None and (category is None or category.priority is not Priority.EMERGENCY):
        # an emergency is given the category of its danger word, without waiting for a person to choose
        category, confidence = lexicon.directory.categories[danger_category], DANGER_IS_SURE
        because.append(Because(f"category:{danger_category}", tuple(dangers)))
    kind = find_kind(lexicon, found, rules, category, because)
    reading = read_places(lexicon.places, narrative, address, near)
    because += reading.because
    return Advice(
        kind=kind,
        priority=find_priority(lexicon, found, rules, category, dangers, because),
        category=category.code if category else None,
        area=reading.area,
        dangers=dangers,
        confidence=confidence,
        because=tuple(because),
        others=others,
        tell=tell,
        location=reading.parts,
        places=reading.places,
    )
