"""Checks of the rules by which calls are taken for incidents."""

from collections import Counter
from collections.abc import Iterable

from hotline.organisation.model.directory import Directory
from hotline.text.gap_patterns import PatternError, parse_gap_pattern

MOST_CALLERS, MOST_MINUTES = 1000, 60


def incident_rule_errors(directory: Directory) -> Iterable[tuple[str, str, str]]:
    """What is wrong with the incident rules of a directory: (code of the rule, field, what it must be)."""
    known, uses = directory.categories, Counter(rule.category for rule in directory.incident_rules.values())
    for rule in directory.incident_rules.values():
        if rule.category not in known or uses[rule.category] > 1:
            yield rule.code, "category", "a known category, and of one rule only"
        if not known.keys() >= set(rule.also):
            yield rule.code, "also", "known categories"
        if not 2 <= rule.callers <= MOST_CALLERS:
            yield rule.code, "callers", f"2 to {MOST_CALLERS} callers"
        if not 1 <= rule.minutes <= MOST_MINUTES:
            yield rule.code, "minutes", f"1 to {MOST_MINUTES} minutes"
        if rule.confirm_at is not None and rule.confirm_at < rule.callers:
            yield rule.code, "confirm_at", "not fewer than callers"
        for text in rule.private:
            if (wrong := _pattern_error(directory, text)) is not None:
                yield rule.code, "private", wrong


def _pattern_error(directory: Directory, text: str) -> str | None:
    try:
        pattern = parse_gap_pattern(text)
    except PatternError as wrong:
        return str(wrong)
    unknown = [name for group in pattern.groups for name in group.lists if name not in directory.word_lists]
    return f"unknown word list: {unknown[0]}" if unknown else None
