"""Nothing that strangers send is analysed in more than linear time: every pattern of the code, and every analysis, on
texts made to hurt it. Ratios of times, never times: twice the text, at most three times as long."""

import ast
import importlib
import json
import pkgutil
import random
import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import hotline
from hotline.delivery.account import Account
from hotline.delivery.payloads import (
    clean_data,
    clean_text,
    item_key,
    parse_json,
    parse_local_time,
    parse_pairs,
    raw_item,
    readable_text,
)
from hotline.open311.service import parse_w3c_moment
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.vocabulary import Operator
from hotline.sms.model.keywords import OPT_OUT, is_keyword, keyword_form
from hotline.sms.model.requests import detect_language, parse_text
from hotline.sms.model.templates import compose_text
from hotline.sms.providers.generic import Generic, batch_list
from hotline.telephony.model import CallEvent, CallSignal, build_call
from hotline.telephony.vocabulary import Direction
from hotline.text import simplified
from hotline.text.charsets import decode_text, possible_readings, repair_encoding, show_escaped_bytes
from hotline.text.normalisation import (
    fold_characters,
    fold_sentences,
    fold_text,
    index_terms,
    is_blank,
    join_broken_words,
    normalise_text,
    query_terms,
)
from hotline.text.numbering import parse_number
from hotline.text.phone_parsing import parse_phone
from hotline.text.phones import (
    is_withheld,
    number_candidates,
    sip_user,
    split_extension,
    split_last_group,
    strip_phone_punctuation,
)
from hotline.text.simplified import to_simplified
from hotline.text.sounds import SoundFinder
from hotline.tickets.routes.lookup import TicketLookupIn
from hotline.tickets.schemas.calls import CallIn
from hotline.triage.model.advising import advise
from hotline.triage.model.lexicon import build_lexicon
from hotline.triage.model.patterns import folded_word_lists
from hotline.triage.model.places.other_estates import is_about_other_estate
from hotline.web.rule_texts import translate_rule
from tests.conftest import NOON
from tests.sizes import has_turn
from tests.triage.seeded import seeded_directory, seeded_lexicon

SOURCE = Path(hotline.__file__).parent
PER_CHARACTER = 0.5e-6  # seconds: what takes less at NOTICED characters cannot be quadratic and matter
SHORT, NOTICED, LONG = 1000, 4000, 8000
LINEAR = 3.0  # times as long for twice the text, at most
# the same at half the length: what is quadratic to a part that makes 3 times of LONG to twice LONG makes 8/3 there
LINEAR_AT_HALF = 8 / 3
LINEAR_TO_NOTICED = 5.0  # and from SHORT to NOTICED, four times the text, 16/3
VERBS = {"search", "match", "fullmatch", "sub", "subn", "split", "findall", "finditer"}
# all other verbs walk through the text as finditer does, or end earlier; what match does is finditer's first try
ANY_VERB = {"finditer", "fullmatch"}
SHARES = 12  # tests that the patterns are dealt out to
VERBS_OF_CONTAINERS = {"NUMBER_FORMS": {"match"}}  # a container that is not named here: any verb
MAY_HOLD_PATTERNS = re.compile(rf"\bre\.(?:compile|{'|'.join(VERBS)})\b|\bpattern=")
ALL_SOURCE = "\n".join(file.read_text() for file in SOURCE.rglob("*.py"))


def growth(work: Callable[[Any], Any], text: Callable[[int], Any], size: int, limit: float = LINEAR) -> float:
    """How many times as long twice the text takes: the best of several tries each, so that a busy machine says
    nothing; of one where that lies well below the limit."""
    once, twice = text(size), text(2 * size)
    best = [float("inf"), float("inf")]
    for _ in range(25):
        for n, given in enumerate((once, twice)):
            best[n] = min(best[n], spent(work, given))
        if best[1] < (limit - 0.1) * best[0]:
            break
    return best[1] / best[0]


def assert_linear(work: Callable[[Any], Any], text: Callable[[int], Any], size: int) -> None:
    """What grows too fast does so from half of `size` to `size`, and still does to twice as much: a busy machine makes
    the one or the other seem so, and seldom both. The text needs twice `size`."""
    if growth(work, text, size // 2, LINEAR_AT_HALF) >= LINEAR_AT_HALF:
        found = growth(work, text, size)
        assert found < LINEAR, f"{found:.1f} times as long for twice {text(40)[:40]!r}…"


def spent(work: Callable[[Any], Any], given: Any) -> float:
    begun = time.thread_time()
    work(given)
    return time.thread_time() - begun


def slow(work: Callable[[Any], Any], text: Callable[[int], Any], per_character: float) -> bool:
    """Whether it takes so long at NOTICED characters that its growth matters, and grows by more than it should between
    SHORT and these. What is quadratic and matters takes the square of their ratio at SHORT ones: most texts need not be
    longer. What it takes for a text of no length is no growth."""
    short = spent(work, text(SHORT))
    if short <= per_character * NOTICED * (SHORT / NOTICED) ** 2:
        return False
    noticed = spent(work, text(NOTICED))
    if noticed <= per_character * NOTICED:
        return False
    fixed = spent(work, text(1))
    return noticed - fixed > LINEAR_TO_NOTICED * (min(short, spent(work, text(SHORT))) - fixed)


# Every pattern of the code


def modules() -> Iterator[Any]:
    for found in pkgutil.walk_packages(hotline.__path__, "hotline."):
        if not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def branches(given: ast.expr) -> list[ast.expr]:
    return [given.body, given.orelse] if isinstance(given, ast.IfExp) else [given]


def verbs_of_names() -> dict[str, set[str]]:
    """How the code uses a pattern of a name: what takes long in a search may be quick where all must match."""
    used: dict[str, set[str]] = {}
    for name, verb in re.findall(rf"\b(\w+)\.({'|'.join(VERBS)})\(", ALL_SOURCE):
        used.setdefault(name, set()).add(verb)
    return used


def at_top(tree: ast.Module) -> set[int]:
    """What runs when the module is imported: all but the bodies of functions."""
    found: set[int] = set()
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        found.add(id(node))
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)
    return found


def verb_of(called: ast.expr) -> str | None:
    """The verb of `re.VERB`; None: something else is called."""
    if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.value.id == "re":
        return called.attr if called.attr in VERBS else None
    return None


# compiled in a function, of what only it knows: how they are got, by module
MADE_IN_FUNCTIONS: dict[str, Callable[[], Iterable[re.Pattern[str]]]] = {
    "hotline.text.simplified": lambda: [simplified._characters().traditional],
}


def held(value: Any, depth: int = 3) -> Iterator[re.Pattern[str]]:
    """The patterns in a value of a module: itself, those in its containers, in the attributes of its classes and
    objects."""
    if isinstance(value, re.Pattern):
        if isinstance(value.pattern, str):
            yield value
    elif depth and isinstance(value, dict):
        for part in value.values():
            yield from held(part, depth - 1)
    elif depth and isinstance(value, list | tuple | set | frozenset):
        for part in value:
            yield from held(part, depth - 1)
    elif depth and str(getattr(value, "__module__", "")).startswith("hotline") and not callable(value):
        names = getattr(value, "__dict__", None) or getattr(type(value), "__slots__", ())
        for name in names:
            yield from held(getattr(value, name, None), depth - 1)
    elif depth and isinstance(value, type) and value.__module__.startswith("hotline"):
        for part in vars(value).values():
            yield from held(part, 1)


@cache
def patterns() -> dict[str, tuple[re.Pattern[str], set[str]]]:
    """Where it stands: the pattern and how it is used. Those that modules hold, by themselves, in containers, classes
    and objects; those compiled in functions; those given to `re` in line; Pydantic's and FastAPI's `pattern=`. To import
    and to look through all of the code takes seconds, which only a process that runs such a test spends."""
    found: dict[str, tuple[re.Pattern[str], set[str]]] = {}
    unknown: list[str] = []
    verbs_of = verbs_of_names()
    met: set[tuple[str, frozenset[str]]] = set()
    for module in modules():
        for name, value in vars(module).items():
            for n, pattern in enumerate(held(value)):
                used = verbs_of.get(name, ANY_VERB) if pattern is value else VERBS_OF_CONTAINERS.get(name, ANY_VERB)
                if (pattern.pattern, frozenset(used)) not in met:
                    met.add((pattern.pattern, frozenset(used)))
                    found[f"{module.__name__}.{name}{n or ''}"] = pattern, used
        made = MADE_IN_FUNCTIONS.get(module.__name__)
        for n, pattern in enumerate(made() if made else ()):
            found[f"{module.__name__} in a function {n}"] = pattern, ANY_VERB
        source = Path(module.__file__).read_text() if module.__file__ else ""
        if not MAY_HOLD_PATTERNS.search(source):
            continue
        tree = ast.parse(source)
        top = at_top(tree)
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            inline = [(k.value, "search") for k in node.keywords if k.arg == "pattern"]
            if (verb := verb_of(node.func)) is not None:
                inline += [(node.args[0], verb)]
            if ast.unparse(node.func) == "re.compile" and id(node) not in top and not made:
                unknown.append(f"{module.__name__}:{node.lineno} {ast.unparse(node)}")
            for said, verb in [(part, how) for given, how in inline for part in branches(given)]:
                place = f"{module.__name__}:{said.lineno}:{said.col_offset}"
                try:
                    text = eval(ast.unparse(said), vars(module))
                except NameError:
                    unknown.append(f"{place} {ast.unparse(said)}")
                else:
                    found[place] = re.compile(text), {verb}
    assert unknown == [], (
        "made of what only the function knows: give it a name in its module, or add it to MADE_IN_FUNCTIONS"
    )
    return found


def alphabet(pattern: str) -> tuple[list[str], list[str]]:
    """The characters a pattern speaks of, one of each class, and the runs of literals that stand in it."""
    parser = importlib.import_module("re._parser")
    characters: dict[str, None] = {}
    runs: dict[str, None] = {}
    of_class = {"CATEGORY_DIGIT": "1", "CATEGORY_SPACE": " ", "CATEGORY_WORD": "a", "CATEGORY_NOT_WORD": "-",
                "CATEGORY_NOT_SPACE": "a", "CATEGORY_NOT_DIGIT": "a"}  # fmt: skip

    def walk(items: Iterable[Any]) -> None:
        run = ""
        for what, given in items:
            word = str(what)
            if word == "LITERAL":
                run += chr(given)
                characters[chr(given)] = None
                continue
            if run:
                runs[run] = None
            run = ""
            if word == "IN":
                for kind, value in given:
                    if str(kind) == "LITERAL":
                        characters[chr(value)] = None
                    elif str(kind) == "RANGE":
                        characters[chr(value[0])] = characters[chr(value[1])] = None
                    elif str(kind) == "CATEGORY":
                        characters[of_class[str(value)]] = None
            elif word in ("ANY", "NOT_LITERAL"):
                characters["a"] = None
            else:
                for part in parts(given):
                    walk(part)
        if run:
            runs[run] = None

    def parts(given: Any) -> Iterator[Any]:
        for part in given if isinstance(given, list | tuple) else [given]:
            if hasattr(part, "data"):
                yield part
            elif isinstance(part, list | tuple):
                yield from parts(part)

    walk(parser.parse(pattern))
    return [*characters] or ["a"], [*runs]


def hostile(pattern: str) -> Iterator[tuple[str, str, str]]:
    """(beginning, what is repeated, end): single characters and pairs of the pattern's own alphabet, after what it
    begins with, with and without what it ends in."""
    characters, runs = alphabet(pattern)
    chosen = random.Random(len(pattern))
    few = characters if len(characters) <= 12 else chosen.sample(characters, 12)
    units = [*few, *(a + b for a in few[:8] for b in few[:8] if a != b), *runs[:6]]
    yield from product(*map(dict.fromkeys, (("", *runs[:4], few[0]), units, ("", "\x00", few[-1]))))


def used(pattern: re.Pattern[str], verbs: set[str], text: str) -> None:
    for verb in verbs:
        if verb in ("sub", "subn"):
            pattern.sub("", text)
        elif verb == "finditer":
            deque(pattern.finditer(text), 0)
        else:
            getattr(pattern, verb)(text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"\s+$", lambda n: " " * n + "x"),  # the weakest: one look at each character that follows
        (r"(?:a|b)*c", lambda n: "ab" * (n // 2)),
        (r"\d+-\d+-", lambda n: "1" * (n // 2) + "-" + "1" * (n // 2)),
    ],
)
def test_a_pattern_that_takes_quadratic_time_is_noticed(pattern: str, text: Callable[[int], str]) -> None:
    def work(given: str) -> None:
        used(re.compile(pattern), ANY_VERB, given)

    assert slow(work, text, 2 * PER_CHARACTER)
    assert growth(work, text, 2 * SHORT, limit=0) > LINEAR  # no try is the last before all are made


@pytest.mark.parametrize("share", range(SHARES))
def test_no_pattern_takes_more_than_linear_time(share: int) -> None:
    found = patterns()
    assert len(found) > 60, "the reader of the source has lost its way"
    too_slow = [told for place in [*found][share::SHARES] if (told := grows_too_fast(place, *found[place]))]
    assert not too_slow, "\n".join(too_slow)


def grows_too_fast(place: str, pattern: re.Pattern[str], verbs: set[str]) -> str | None:
    """The first text that a pattern takes too long for."""
    for begins, unit, ends in hostile(pattern.pattern):
        if not has_turn(f"{place} {begins} {unit}", 4):
            continue

        def text(n: int, begins: str = begins, unit: str = unit, ends: str = ends) -> str:
            return begins + unit * (n // len(unit)) + ends

        def work(given: str) -> None:
            used(pattern, verbs, given)

        if slow(work, text, PER_CHARACTER):
            found = min(growth(work, text, size) for size in (NOTICED, LONG))
            if found >= LINEAR:
                return f"{place}: {found:.1f} times as long for {begins!r} + {unit!r} × n + {ends!r}"
    return None


# Every analysis


HOME = seeded_directory("ruiquan")
LEXICON = seeded_lexicon("ruiquan")
WORDS = [
    *(word for words in HOME.words.values() for word in words.words),
    *(word for category in HOME.categories.values() for word in category.words),
    *(name for area in HOME.areas.values() for name in (area.name, *area.aliases)),
]
GENERIC = Generic(Account("g", {}, {"secret": ["whsec_YQ=="]}, "http://hotline"))


class _Push:
    at = NOON
    charset = None

    def __init__(self, text: str) -> None:
        self.body = json.dumps({"messages": [{"id": "1", "from": "13800138000", "text": text}]}).encode()


def fresh(work: Callable[[str], Any]) -> Callable[[str], Any]:
    """Without what was folded before."""

    def run(text: str) -> Any:
        fold_text.cache_clear()
        fold_characters.cache_clear()
        return work(text)

    return run


def moment(text: str) -> None:
    try:
        parse_local_time(text, ZoneInfo("Asia/Shanghai"))
    except ValueError:
        return


def validated(text: str) -> None:
    for model, body in (
        (CallIn, {"channel": "phone", "narrative": text[:10_000], "caller": {"phone": text, "name": text}}),
        (TicketLookupIn, {"number": text, "code": text}),
    ):
        try:
            model.model_validate(body)
        except ValueError:
            continue


ANALYSES: dict[str, Callable[[str], Any]] = {
    "folded": fresh(fold_text),
    "folded_sentences": fold_sentences,
    "normalised": normalise_text,
    "joined": join_broken_words,
    "is_blank": is_blank,
    "terms": fresh(index_terms),
    "asked": query_terms,
    "advise": fresh(lambda text: advise(LEXICON, text)),
    "advise on two matters": fresh(
        lambda text: advise(LEXICON, f"The street light is off and the lift is broken {text}")
    ),
    "advise with an address": fresh(lambda text: advise(LEXICON, text, text)),
    "read_text": parse_text,
    "language_of": detect_language,
    "read_number": parse_number,
    "heard": lambda text: parse_phone(text, "CN", "28"),
    "heard abroad": lambda text: parse_phone(text, "US", "28"),
    "is_withheld": is_withheld,
    "plain": strip_phone_punctuation,
    "address_user": sip_user,
    "another estate": lambda text: is_about_other_estate(LEXICON.places, text),
    "candidates": lambda text: [*number_candidates(text)],
    "with_extension": split_extension,
    "with_last_group": split_last_group,
    "translated_rule": translate_rule,
    "clean": clean_text,
    "cleaned": lambda text: clean_data({"a": [text]}),
    "mended": repair_encoding,
    "mended bytes": lambda text: repair_encoding(text.encode().decode("latin-1")),
    "decoded": lambda text: decode_text(text.encode(), None),
    "decoded as GB18030": lambda text: decode_text(text.encode("gb18030", "replace"), None),
    "possible readings": lambda text: possible_readings(b"\xff" + text.encode("gb18030", "replace")),
    "readable": lambda text: readable_text(f"a{text}%ff\\udc80"),
    "broken JSON": lambda text: parse_json(b'{"a": "\xff' + json.dumps(text).encode()[1:-1] + b'"}'),
    "escaped bytes": lambda text: show_escaped_bytes(text + "\udc80"),
    "simplified": to_simplified,
    "keyword": lambda text: is_keyword(keyword_form(text), OPT_OUT),
    "decoded as said": lambda text: decode_text(text.encode("utf-16-be", "replace"), "utf-16"),
    "pairs": lambda text: parse_pairs(b"a=" + text.encode()),
    "items_of": lambda text: batch_list([{"a": text}], "messages"),
    "item_raw": lambda text: raw_item({"a": text}),
    "key_of": item_key,
    "local_moment": moment,
    "w3c_moment": parse_w3c_moment,
    "a push": lambda text: GENERIC.texts(_Push(text)),  # type: ignore[arg-type]
    "a call": validated,
    "a text to a resident": lambda text: compose_text(
        "{reply} {number}", dict.fromkeys(("reply", "number", "department", "hotline"), text)
    ),
}
UNITS = [
    "三", "十", "一栋", "3栋", "1", "1 ", "1-", "a", "a ", "煤\u200b", "煤\n气", "\u200b", " ", "\n", "\r\n", " \n", "。",
    "着火。", "着火，修好了。", "查", "查 ", "0 ", "100000006 ", "满意 ", "ﷺ", "e\u0301", "電", "➀", "退订", "请", "👍", "“", "煤\u0301", "é", "\x00", "%41",
    "转", "转 ", "(", " and ", '" or "', "x", "x-", "86", "+86", "sip:", "北门",
]  # fmt: skip
SHUFFLED = "".join(random.Random(1).choices(WORDS, k=20_000))
BEFORE = {"nobody on duty ": "x", "查询": "x", "1": "x", "满意": "", "转": "x", "修好了": "着火", "": "\x00"}


@pytest.mark.parametrize("name", ANALYSES)
def test_no_analysis_takes_more_than_linear_time(name: str) -> None:
    work = ANALYSES[name]
    made: list[Callable[[int], str]] = [lambda n: SHUFFLED[:n]]
    for unit in UNITS:
        for begins, ends in BEFORE.items():
            if not has_turn(f"{name} {unit} {begins}", 8):
                continue
            made.append(lambda n, b=begins, u=unit, e=ends: b + u * (n // len(u)) + e)  # type: ignore[misc]
    for text in made:
        if slow(work, text, 2 * PER_CHARACTER):
            assert_linear(work, text, LONG)


def test_a_city_of_places_in_one_text_is_one_pass() -> None:
    area = next(iter(HOME.areas.values()))
    names = tuple(
        f"{a}{b}路" for a in "东南西北中上下左右前后里外新旧" for b in "一丁万丈三上下不与丐丑专且世丘丙业丛东丝丞"
    )
    lex = build_lexicon(Directory(2, areas={area.code: replace(area, aliases=names)}))
    said = "".join(names) * 40
    assert_linear(fresh(lambda text: advise(lex, text)), lambda n: said[:n], LONG)
    assert len(lex.places.finder.find(fold_characters("".join(names))).names) > 300


WORD_LISTS = folded_word_lists(HOME)
DANGER_WORDS = tuple(LEXICON.patterns.danger_words)
MIXED: dict[str, tuple[str, ...]] = {
    "operators": tuple(word for operator in Operator for word in WORD_LISTS.get(operator, ())),
    "danger words": DANGER_WORDS,
    "both": (*DANGER_WORDS, *(word for operator in Operator for word in WORD_LISTS.get(operator, ()))),
    **{operator: WORD_LISTS[operator] for operator in Operator if WORD_LISTS.get(operator)},
    "着火 and operators": ("着火", "着火了", *WORD_LISTS.get(Operator.PAST, ()), *WORD_LISTS.get(Operator.HOWTO, ())),
}


@pytest.mark.parametrize(("name", "between"), [(n, b) for n in MIXED for b in " ，" if has_turn(n + b, 2)])
def test_twenty_thousand_characters_of_words_about_danger_are_one_pass(name: str, between: str) -> None:
    said = (between.join(random.Random(3).choices(MIXED[name], k=1000)) + between) * 40
    work = fresh(lambda text: advise(LEXICON, text))
    assert_linear(work, lambda n: said[:n], 20_000)


def test_ten_thousand_words_that_sound_alike_among_words_of_their_own_are_one_pass() -> None:
    finder = SoundFinder(["漏气"], ["楼起"])
    said = "漏汽楼起" * 30_000
    assert finder.restore(said[:4]) == [("漏气楼起", [(0, 2)])]
    assert_linear(finder.restore, lambda n: said[:n], 30_000)


@pytest.mark.parametrize(
    "kinds",
    [
        (CallSignal.ANSWERED,),
        (CallSignal.QUEUED,),
        (CallSignal.EXITED, CallSignal.QUEUED),
        (CallSignal.QUEUED, CallSignal.ANSWERED, CallSignal.LEFT),
    ],
)
def test_a_call_of_thousands_of_events_in_one_second_is_one_pass(kinds: tuple[CallSignal, ...]) -> None:
    def events(n: int) -> Any:
        return [
            CallEvent("c", f"{i}", kinds[i % len(kinds)], NOON, Direction.IN, queue=f"q{i}", agent=f"a{i}")
            for i in range(n)
        ]

    assert growth(build_call, events, 1000) < LINEAR
