"""Triage: finds danger first, then place, category and kind, each with the words and the rule that led to it.

The result is advice. A person's choice takes precedence, and both are stored; no statistic overrules a danger.
"""

from collections.abc import Sequence

from hotline.organisation.model.vocabulary import URGENCY, Danger, Grade, Kind, Operator, Priority
from hotline.text.normalisation import fold_text
from hotline.text.reasons import Because
from hotline.triage.model.advice import Advice, AskedDanger
from hotline.triage.model.categories import find_category, find_kind, find_priority
from hotline.triage.model.danger.judging import Lowered
from hotline.triage.model.danger.reading import DangerFinding, read_dangers
from hotline.triage.model.enquiries import find_told, read_enquiry, tells_fault
from hotline.triage.model.guidance import in_naming_order
from hotline.triage.model.lexicon import Lexicon
from hotline.triage.model.matching import Reading
from hotline.triage.model.opinion import FormOpinion, may_follow, reason_of
from hotline.triage.model.places.reader import read_places
from hotline.triage.model.symptoms import SymptomFinding, find_symptoms

DANGER_IS_SURE = 0.95


def advise(
    lexicon: Lexicon,
    narrative: str,
    address: str | None = None,
    near: str | None = None,
    *,
    written: bool = False,
    form_opinion: FormOpinion | None = None,
) -> Advice:
    """Advice on a narrative and the address given with it. `near`: the area the call is known to be about or to come
    from. `written`: sent in writing, with nobody on the line. `form_opinion`: of the model in use; it may decide the
    category, whose kind comes with it, never lower a priority or remove a danger."""
    because: list[Because] = []
    text = fold_text(narrative)
    reading = Reading(lexicon.patterns, text)
    found = reading.words
    rules = sorted({n for word in found & lexicon.rule_words for n in lexicon.rules[word]})
    findings = read_dangers(lexicon, reading, written=written)
    because += [_reason(finding) for finding in findings]
    dangers = _dangers_of(findings, Grade.ACT)
    open_findings = _without_cries(reading, findings) if dangers else findings
    asked = tuple(danger for danger in _dangers_of(open_findings, Grade.ASK) if danger not in dangers)
    enquiry = read_enquiry(reading, lexicon.directory)
    symptoms = find_symptoms(reading)
    hinting = found - _exaggerated_words(findings)
    category, confidence, others = find_category(lexicon, hinting, symptoms, dangers, because)
    meant = _category_of_danger(lexicon, findings)
    sure_at = lexicon.directory.home.sure_at if lexicon.directory.home is not None else DANGER_IS_SURE
    if meant is not None and (category is None or category.priority is not Priority.EMERGENCY or confidence < sure_at):
        # an emergency is given the category of its danger, without waiting for a person to choose: also where two
        # dangers compete for it
        category, confidence = lexicon.directory.categories[meant], DANGER_IS_SURE
        because.append(Because(f"category:{meant}", tuple(dangers)))
    said = category
    opinion = form_opinion(text, lexicon.directory) if form_opinion is not None else None
    follows = may_follow(opinion, lexicon.directory, category, danger=bool(findings))
    if opinion is not None:
        because.append(reason_of(opinion))
        if follows and opinion.category is not None:
            category, confidence = lexicon.directory.categories[opinion.category], opinion.confidence
    active = _of_active_categories(lexicon, find_told(reading, lexicon.directory, symptoms, enquiry))
    # what a question how it goes on leaves open is asked, and is a question still
    left_open = any(f.grade is Grade.ASK and f.lowered is not Lowered.FOLLOWED_UP for f in open_findings)
    told = bool(dangers) or left_open or tells_fault(reading, lexicon.directory, enquiry, symptoms)
    kind = find_kind(lexicon, found, rules, category, () if told else enquiry.words, because)
    if kind is Kind.ENQUIRY and category is not None and _is_supposed(findings):
        # what to do if somebody were trapped: a question for the desk, for which nobody is sent out
        others, category, said, confidence = ((category.code, confidence), *others), None, None, 0.0
    place = read_places(lexicon.places, narrative, address, near)
    because += place.because
    over = enquiry.progress and not told and category is not None and category.priority is Priority.EMERGENCY
    priority = find_priority(lexicon, found, rules, None if over else category, dangers, because)
    if follows:  # the category by the rules may ask for more than the model's
        priority = min(priority, find_priority(lexicon, found, rules, said, dangers, []), key=URGENCY.index)
    if asked and written and priority is Priority.NORMAL:
        priority = Priority.URGENT  # nobody is there to be asked: somebody calls back soon
    return Advice(
        kind=kind,
        priority=priority,
        category=category.code if category else None,
        area=place.area,
        dangers=dangers,
        confidence=confidence,
        because=tuple(because),
        others=others,
        tell=_what_to_tell(lexicon, dangers),
        ask=_what_to_ask(lexicon, asked),
        # nobody is there to be asked by a text; whoever gave any address is believed to be found there
        asks_place=priority is Priority.EMERGENCY and place.area is None and not address and not written,
        symptoms=tuple(finding.symptom.code for finding in symptoms),
        location=place.parts,
        places=place.places,
        elsewhere=place.elsewhere,
        opinion=opinion,
        decided=follows,
        matters=lexicon.splitter.split(narrative, text, active),
    )


def find_dangers(lexicon: Lexicon, text: str, *, written: bool = False) -> tuple[Danger, ...]:
    """The dangers that `advise` finds in a text, without the rest of its advice: a quarter of the time."""
    findings = read_dangers(lexicon, Reading(lexicon.patterns, fold_text(text)), written=written)
    return _dangers_of(findings, Grade.ACT)


def _of_active_categories(lexicon: Lexicon, symptoms: Sequence[SymptomFinding]) -> list[SymptomFinding]:
    return [found for found in symptoms if lexicon.directory.categories[found.symptom.category].active]


def _reason(finding: DangerFinding) -> Because:
    lowered = f":{finding.lowered}" if finding.lowered is not None else ""
    return Because(f"danger:{finding.code}{lowered}", finding.words)


def _dangers_of(findings: Sequence[DangerFinding], grade: Grade) -> tuple[Danger, ...]:
    return tuple(dict.fromkeys(finding.danger for finding in findings if finding.grade is grade))


def _exaggerated_words(findings: Sequence[DangerFinding]) -> frozenset[str]:
    """The words of dangers that are turns of speech, as "so angry I could jump": they say nothing of the matter."""
    said = {word for f in findings if f.lowered in (Lowered.THREAT, Lowered.EXAGGERATION) for word in f.words}
    return frozenset(said.difference(*(f.words for f in findings if f.grade is Grade.ACT)))


def _without_cries(reading: Reading, findings: Sequence[DangerFinding]) -> list[DangerFinding]:
    """Without those that are a cry for help alone: beside a danger that is told they leave nothing to ask."""
    pleas = {reading.text[start:end] for start, end in reading.operator(Operator.PLEA)}
    return [f for f in findings if not all(any(word in plea for plea in pleas) for word in f.words)]


def _is_supposed(findings: Sequence[DangerFinding]) -> bool:
    """Whether every danger that is named is only supposed."""
    return bool(findings) and all(finding.lowered is Lowered.HYPOTHESIS for finding in findings)


def _category_of_danger(lexicon: Lexicon, findings: Sequence[DangerFinding]) -> str | None:
    """The category of the most pressing danger that has one."""
    for finding in findings:
        hazard = lexicon.hazards.get(finding.danger)
        for code in (finding.category, hazard.category if hazard else None):
            category = lexicon.directory.categories.get(code or "")
            if finding.grade is Grade.ACT and category is not None and category.active:
                return code
    return None


def _what_to_tell(lexicon: Lexicon, dangers: Sequence[Danger]) -> tuple[tuple[str, str], ...]:
    hazards = [hazard for danger in in_naming_order(dangers) if (hazard := lexicon.hazards.get(danger))]
    return tuple((hazard.tell, hazard.tell_en or hazard.tell) for hazard in hazards if hazard.tell)


def _what_to_ask(lexicon: Lexicon, dangers: Sequence[Danger]) -> tuple[AskedDanger, ...]:
    hazards = [(danger, hazard) for danger in dangers if (hazard := lexicon.hazards.get(danger))]
    return tuple(
        AskedDanger(danger, hazard.ask, hazard.ask_en or hazard.ask) for danger, hazard in hazards if hazard.ask
    )
