"""Broken rules in words: what Pydantic found wrong as one of our rules, and our rules in Chinese."""

import re
from collections.abc import Sequence
from functools import lru_cache

from hotline.locales import text_keys, translate

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@lru_cache(maxsize=4)
def _templates(prefix: str) -> list[tuple[list[str], tuple[str, str]]]:
    """The texts of a family, as words and the names of the holes between them in turn, and the same in simplified and
    traditional Chinese. What says most by itself is looked at first."""
    templates = [
        (translate(key, "en"), translate(key, "zh-Hans"), translate(key, "zh-Hant")) for key in text_keys(prefix)
    ]
    templates.sort(key=lambda texts: (-len(_PLACEHOLDER.sub("", texts[0])), texts[0]))
    return [(_PLACEHOLDER.split(english), (hans, hant)) for english, hans, hant in templates]


def _match_template(template_parts: Sequence[str], rule: str) -> dict[str, str] | None:
    """What stands in the holes, each at least one character. None: it is another rule. The first place a word stands at
    will do, so this takes linear time; as a pattern it would not."""
    first, last = template_parts[0], template_parts[-1]
    if len(template_parts) == 1:
        return {} if rule == first else None
    if not rule.startswith(first) or not rule.endswith(last):
        return None
    found: dict[str, str] = {}
    at, end = len(first), len(rule) - len(last)
    for name, word in zip(template_parts[1:-2:2], template_parts[2:-1:2], strict=True):
        place = rule.find(word, at + 1, end)
        if place < 0:
            return None
        found[name] = rule[at:place]
        at = place + len(word)
    if at >= end:
        return None
    return {**found, template_parts[-2]: rule[at:end]}


def translate_rule(rule: str) -> tuple[str, str] | None:
    """What a broken rule says in simplified and in traditional Chinese. None: it is in no catalogue."""
    return translate_stored("rule.", rule)


def translate_stored(prefix: str, text: str) -> tuple[str, str] | None:
    """A text that is stored in English, in simplified and in traditional Chinese. `prefix`: the family of the catalogue
    whose English texts are its templates. None: it is none of these."""
    for words, (hans, hant) in _templates(prefix):
        if (found := _match_template(words, text)) is not None:
            return hans.format_map(found), hant.format_map(found)
    return None


_RULE_BY_ERROR_TYPE = {  # what a reader of forms finds, by the beginning of its kind: shorter than its own sentence
    "extra_forbidden": "unknown field", "unexpected_keyword_argument": "unknown field", "missing": "required",
    "datetime": "a date-time with zone, as 2026-11-25T08:00:00+08:00",
    "timezone": "a date-time with zone, as 2026-11-25T08:00:00+08:00", "int_": "a whole number", "float_": "a number",
    "finite_number": "a number", "bool_": "true or false", "string_type": "text", "list_type": "a list",
    "tuple_type": "a list", "dict_type": "an object", "mapping_type": "an object", "model_": "an object",
    "dataclass_": "an object", "uuid_": "a UUID",
}  # fmt: skip


_PATTERNS = {
    r"^[a-z0-9][a-z0-9_.-]*$": "a-z 0-9 _ . -, beginning with a letter or digit",
    r"^[a-z0-9][a-z0-9_-]*$": "a-z 0-9 _ -, beginning with a letter or digit",
    r"^[a-z0-9][a-z0-9_.:-]*$": "a-z 0-9 _ . : -, beginning with a letter or digit",
    r"^[A-Za-z0-9][A-Za-z0-9_.@-]*$": "letters, digits and _ . @ -, beginning with a letter or digit",
    r"^[\x21-\x7e]+$": "letters, digits and signs, no space",
    r"^[0-9 -]+$": "digits",
    r"^[0-9a-f-]{36}$": "a UUID",
}


def rule_of_error(kind: str, message: str) -> str:
    """What a reader of forms found wrong, in words: its own sentence, which speaks of the rule; ours where that would
    repeat the input, or where we have a shorter one."""
    for begins, rule in _RULE_BY_ERROR_TYPE.items():
        if kind.startswith(begins):
            return rule
    if kind == "string_pattern_mismatch":
        pattern = message.partition("'")[2].removesuffix("'")
        if words := re.fullmatch(r"\^\(([\w|]+)\)\$", pattern):
            return "one of " + ", ".join(words[1].split("|"))
        return _PATTERNS.get(pattern, "of another form")
    if kind in ("enum", "literal_error"):  # it names what may stand there, each in quotes
        return "one of " + ", ".join(re.findall(r"'([^']*)'", message))
    return message.removeprefix("Value error, ")[:200]
