"""Category, kind and priority from the words of a directory."""

from collections.abc import Collection, Iterable, Sequence

from hotline.organisation.model.items import Category
from hotline.organisation.model.vocabulary import Danger, Kind, Priority
from hotline.text.reasons import Because
from hotline.triage.model.lexicon import Lexicon, Rule
from hotline.triage.model.symptoms import SymptomFinding

SYMPTOM_WEIGHT = 5.0  # a word of four characters weighs 3
# Of the weight of words where a symptom of another category is found: a thing with its fault says more than a thing
# that is only named.
BESIDE_SYMPTOM = 0.3


def find_category(
    lexicon: Lexicon,
    found: frozenset[str],
    symptoms: Sequence[SymptomFinding],
    dangers: tuple[Danger, ...],
    because: list[Because],
) -> tuple[Category | None, float, tuple[tuple[str, float], ...]]:
    """The category whose words and symptoms weigh most. A longer word is worth more, two different words more than one
    twice, and a symptom more than any word.

    Where a danger word stands, a category made for emergencies goes before all others: "the lift is broken and
    somebody is inside" is a rescue."""
    hints, categories, paths = lexicon.hints, lexicon.directory.categories, lexicon.category_paths
    words: dict[str, tuple[str, ...]] = {}  # by the code of the category
    for word in sorted(found & lexicon.hint_words):
        for category in hints[word].categories:
            words[category.code] = (*words.get(category.code, ()), word)
    own: dict[str, float] = {}
    for code, hits in words.items():
        if len(hits) > 1:
            words[code] = hits = tuple(h for h in hits if not any(h != other and h in other for other in hits))
        own[code] = sum([hints[word].weight for word in hits])
    told = [finding for finding in symptoms if categories[finding.symptom.category].active]
    if told and not dangers:
        sure = {finding.symptom.category for finding in told}
        own = {code: weight if code in sure else weight * BESIDE_SYMPTOM for code, weight in own.items()}
    for finding in told:
        code = finding.symptom.category
        own[code] = own.get(code, 0.0) + SYMPTOM_WEIGHT
        words[code] = tuple(dict.fromkeys((*words.get(code, ()), *finding.words)))
    if not own:
        return None, 0.0, ()
    # words of a category count for those below it too, where one of theirs was found
    scored = [(sum([own.get(c, 0.0) for c in paths[code]]), categories[code], words[code]) for code in own]
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


def find_kind(
    lexicon: Lexicon,
    found: frozenset[str],
    rules: Iterable[int],
    category: Category | None,
    asked_by: tuple[str, ...],
    because: list[Because],
) -> Kind:
    """`asked_by`: the words of a question, where what is wrong is not told beside it."""
    for rule in (lexicon.ruled[n] for n in rules):
        if rule[0].kind is not None and (hits := rule_hits(rule, found)):
            because.append(Because(rule[0].code, tuple(hits)))
            return rule[0].kind
    if asked_by:
        because.append(Because("asked", asked_by))
        return Kind.ENQUIRY
    return category.kind if category else Kind.REQUEST


def find_priority(
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
        if rule[0].priority is not None and (hits := rule_hits(rule, found)):
            because.append(Because(rule[0].code, tuple(hits)))
            return rule[0].priority
    if dangers:  # unrest goes to a duty leader at once, but calls no rescue
        return Priority.URGENT
    default = category.priority if category else Priority.NORMAL
    # without a danger in the words, a category is no alarm
    return Priority.URGENT if default is Priority.EMERGENCY else default


def rule_hits(rule: Rule, found: Collection[str]) -> list[str]:
    """The rule's words that were found, if what must stand near was found too."""
    _, words, near = rule
    return [w for w in words if w in found] if not near or any(n in found for n in near) else []
