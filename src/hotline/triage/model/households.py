"""Which calls tell of a matter of one household: of such calls many are many matters; and which words of a call tell of
something beside an outage."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from hotline.organisation.model.directory import Directory
from hotline.organisation.model.items import IncidentRule, Symptom
from hotline.text.gap_patterns import parse_gap_pattern
from hotline.text.normalisation import fold_text
from hotline.text.word_finder import WordFinder
from hotline.triage.model.matching import Reading
from hotline.triage.model.patterns import PatternLexicon, build_pattern_lexicon
from hotline.triage.model.symptoms import find_symptoms

BESIDE_LIST = "beside-an-outage"  # the word list of what a call may tell beside the matter of an incident
_READ_CHARACTERS = 500  # of a narrative: the cost has a bound
# who denies to be the only one tells of many; 是不是只有 and "is it only" ask, and deny nothing
_NOT_ONLY = re.compile(
    "(?<![是系])(?:不|唔|非)[是系]?[仅单光只止净独唯][仅单光只止净独唯得有是系]{0,4}|(?<![是系])(?:不|唔|非)[是系](?:就|得|有)"
    r"|(?:\bnot|\b(?:is|was|are|were|ai|does|do|did)n['’]?t|\bnever)(?: (?:at all|simply|merely|happening|affecting))?"
    r" (?:only|just|merely|solely)\b(?: (?:in|at|for|affecting))?"
)


@dataclass(frozen=True)
class HouseholdLexicon:
    """The patterns of all incident rules that tell of a household; `categories`: by rule, those that it is about;
    `beside`: the words of what a call may tell beside an incident."""

    patterns: PatternLexicon = field(default_factory=PatternLexicon)
    categories: Mapping[str, frozenset[str]] = field(default_factory=dict)
    beside: WordFinder = field(default_factory=lambda: WordFinder(()))

    def find_private(self, text: str) -> frozenset[str]:
        """The categories in which this text tells of a matter of one household."""
        if not self.categories:
            return frozenset()
        folded = _NOT_ONLY.sub(" ", fold_text(text[:_READ_CHARACTERS]))
        found = find_symptoms(Reading(self.patterns, folded))
        return frozenset(code for finding in found for code in self.categories[finding.symptom.code])

    def find_beside(self, text: str) -> frozenset[str]:
        """The words of a text that tell of something beside the matter of an incident, folded."""
        return frozenset(self.beside.find(fold_text(text[:_READ_CHARACTERS])))


def build_household_lexicon(directory: Directory) -> HouseholdLexicon:
    """The patterns of a directory's incident rules, read as triage reads symptoms: within a sentence. The lists of
    words that they do not name are left out, so that a call costs little."""
    rules = [rule for rule in directory.incident_rules.values() if rule.private]
    named = directory.word_lists.get(BESIDE_LIST)
    beside = WordFinder(fold_text(word.replace("_", " ")) for word in (named.words if named is not None else ()))
    if not rules:
        return HouseholdLexicon(beside=beside)
    groups = [group for rule in rules for text in rule.private for group in parse_gap_pattern(text).groups]
    lists = {name: directory.word_lists[name] for group in groups for name in group.lists}
    symptoms = {rule.code: _as_symptom(rule) for rule in rules}
    alone = replace(directory, symptoms=symptoms, danger_frames={}, words={}, word_lists=lists)
    categories = {rule.code: _covered_categories(directory, rule) for rule in rules}
    return HouseholdLexicon(build_pattern_lexicon(alone), categories, beside)


def _covered_categories(directory: Directory, rule: IncidentRule) -> frozenset[str]:
    """The category of a rule and those below it, but for those that have a nearer rule."""
    subtrees = directory.category_subtrees
    nearer = [
        subtrees.get(other.category, frozenset())
        for other in directory.incident_rules.values()
        if other.category != rule.category and other.category in subtrees.get(rule.category, frozenset())
    ]
    return subtrees.get(rule.category, frozenset()).difference(*nearer)


def _as_symptom(rule: IncidentRule) -> Symptom:
    return Symptom(code=rule.code, name=rule.code, name_en=rule.code, category=rule.category, patterns=rule.private)
