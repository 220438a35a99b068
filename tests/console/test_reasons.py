"""What the system writes into histories, flags and explanations is read in the reader's language. The texts are found in
the source: a new one without a translation fails here."""

import ast
import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import chain
from typing import Any

import pytest

from hotline.organisation.model.directory import Directory
from hotline.organisation.model.vocabulary import Metric, Unit
from hotline.tickets.model.vocabulary import DeclineReason, DepartureReason, Fault, ReturnReason, VoidReason
from hotline.tickets.sla.explanations import _EVENT_TEXTS
from hotline.triage.model.danger.judging import Lowered
from hotline.triage.model.places.roles import PlaceRole
from tests.conftest import ROOT, Cast, Player, on_one_database
from tests.console.browsing import needs_browser
from tests.console.conftest import Office
from tests.contract.source import tree_of

HOLE = "7"  # what stands in a text where the code fills in a value
LATIN = re.compile(r"[A-Za-z]{2,}")
REASON_FIELDS = frozenset({"REASON", "TEXT", "BASIS"})
REASON_NAMES = frozenset({"reason", "why"})
WRITERS = ("tickets", "incidents", "importing/service", "organisation/model", "triage/model")


def texts_of(node: ast.AST) -> Iterator[str]:
    """The texts that an expression may give, with HOLE for every value."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(part.value if isinstance(part, ast.Constant) else HOLE for part in parts)
        case ast.IfExp(body=first, orelse=second):
            yield from chain(texts_of(first), texts_of(second))
        case ast.BoolOp(values=parts):
            yield from chain.from_iterable(map(texts_of, parts))
        case ast.Tuple(elts=parts):
            yield from chain.from_iterable(map(texts_of, parts))


def is_reason_field(key: ast.AST | None) -> bool:
    return isinstance(key, ast.Attribute) and key.attr in REASON_FIELDS


def written(tree: ast.AST) -> Iterator[str]:
    """The reasons that a module gives to actions, and the rules of its explanations."""
    named = {
        (node.name, place)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for place, argument in enumerate(node.args.args)
        if argument.arg in REASON_NAMES
    }
    for node in ast.walk(tree):
        match node:
            case ast.Dict(keys=keys, values=values):
                for key, value in zip(keys, values, strict=True):
                    if is_reason_field(key):
                        yield from texts_of(value)
            case ast.Call(func=function, args=given, keywords=more):
                name = getattr(function, "id", getattr(function, "attr", ""))
                if name == "Because":
                    yield from chain.from_iterable(map(texts_of, given))
                for place, value in enumerate(given):
                    if (name, place) in named:
                        yield from texts_of(value)
                for keyword in more:
                    if keyword.arg in REASON_NAMES:
                        yield from texts_of(keyword.value)
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in REASON_NAMES:
                yield from texts_of(value)
            case ast.Tuple(elts=[ast.Attribute(), _, _, _, last]):  # a line of a timeline: its action first
                yield from texts_of(last)
            case ast.FunctionDef(name=name) if name.endswith("_reason"):
                for inner in ast.walk(node):
                    if isinstance(inner, ast.Return) and inner.value is not None:
                        yield from texts_of(inner.value)


def emitted() -> set[str]:
    found: set[str] = set()
    for package in WRITERS:
        for file in (ROOT / "src/hotline" / package).rglob("*.py"):
            found |= set(written(tree_of(file)))
    return {text for text in found if LATIN.search(text) and text.isprintable()}


def enumerated(directory: Directory) -> list[str]:
    """What the code puts together from words of its vocabularies."""
    coded = chain.from_iterable((DeclineReason, VoidReason, ReturnReason, Fault, DepartureReason))
    moment = "2026-11-25T09:30:00+00:00"
    return [
        *_EVENT_TEXTS.values(),
        *coded,
        *(f"{code}: 甲科室" for code in DepartureReason),
        *(f"{metric} limit of policy request" for metric in Metric),
        f"{VoidReason.NO_INFO_GIVEN}: {Metric.INFO} limit of policy urgent",
        *(f"2 {unit}" for unit in Unit),
        *(f"{key}=3 {unit}" for key in ("span", "was") for unit in Unit),
        *(f"unit={unit}" for unit in Unit),
        *(f"{key}={moment}" for key in ("due", "cap", "from")),
        "rigid=True", "end=False", "level=2", "place=1", "of 3 working_days", "5 days", "1.5 hours", "close of business",
        "announced to 2026-12-31", "calendar cn", "calendar cn version 4", "catalogue row r-hj", "route:r-hj",
        *(f"danger:fire:{lowered}" for lowered in Lowered),
        *(f"place:{role.name.lower()}" for role in PlaceRole),
        *(f"danger:{code}" for code in directory.danger_frames),
        *(f"category:{code}" for code in directory.categories),
        *(f"area:{code}" for code in directory.areas),
        *directory.words,
        "incident 7: 王一: 不是同一处",
    ]  # fmt: skip


READ = """async (texts) => {
  const { reasonText } = await import(`${document.body.dataset.static}/reasons.js`);
  return Promise.all(texts.map(reasonText));
}"""
FLAGS = """async (flags) => {
  const { flagText } = await import(`${document.body.dataset.static}/reasons.js`);
  return flags.map(flagText);
}"""
# put together from words of vocabularies, which are read one by one; what the command line says of a file
UNSAID = ("danger:7:7", "place:7", "7=7", "it is there already")


@pytest.mark.timeout(120)
@on_one_database
@needs_browser
@pytest.mark.parametrize("language", ["zh-Hans", "zh-Hant"])
async def test_what_the_system_writes_is_read_in_chinese(office: Office, cast: Cast, language: str) -> None:
    directory = await office.services.directory.now(office.clock())
    asked = sorted(emitted() - set(UNSAID)) + enumerated(directory)
    seat = await office.seat("dispatcher")
    await seat.context.request.get(f"{seat.address}/console/language/{language}")
    await seat.open("/console/dispatch")

    read = await seat.page.evaluate(READ, asked)

    names = re.compile("|".join(re.escape(name) for name in own_names(directory)) or "(?!)")
    assert len(asked) > 150, "the reader of the source has lost its way"
    assert {text: said for text, said in zip(asked, read, strict=True) if LATIN.search(names.sub("", said))} == {}
    assert all(said.strip() for said in read)
    flags = ["repeat", "imported", "odd", "left:7", "danger:fire"]
    assert not [said for said in await seat.page.evaluate(FLAGS, flags) if LATIN.search(said)]
    assert not seat.wrong


def own_names(directory: Directory) -> set[str]:
    """Names that the community itself wrote in Latin letters."""
    items: list[Any] = [*directory.areas.values(), *directory.categories.values(), *directory.departments.values()]
    return {word for item in items for word in LATIN.findall(item.name)}


def test_the_flags_that_the_code_sets_have_their_words() -> None:
    source = (ROOT / "src/hotline/tickets/effects.py").read_text(encoding="utf-8")
    own = re.search(r"_OWN_FLAGS = frozenset\(\{(.*?)\}\)", source)
    assert own is not None and set(re.findall(r'"(\w+)"', own[1])) == {"repeat", "imported", "odd"}


@pytest.mark.timeout(120)
@on_one_database
@needs_browser
async def test_a_ticket_that_the_rules_moved_is_read_whole_in_chinese(office: Office, cast: Cast, desk: Player) -> None:
    call = {"channel": "phone", "narrative": "3栋2单元的电梯又坏了，停在4楼不动", "caller": {"phone": "13900000011"}}
    number = (await desk.post("/v1/calls", call)).json()["ticket"]["number"]
    ticket = (await desk.get(f"/v1/tickets/{number}")).json()
    assert ticket["status"] == "dispatched"
    office.clock.forward(hours=1)
    seat = await office.seat("dispatcher")
    await seat.context.clock.set_fixed_time(office.clock() + timedelta(minutes=1))

    await seat.open(f"/console/tickets/{number}")
    await seat.page.locator("ol.story li").nth(2).wait_for()
    await seat.page.get_by_role("button", name="时限怎么算的").first.click()
    await seat.page.locator("#why ol li").first.wait_for()

    shown = await seat.page.locator("#ticket").inner_text()
    assert (
        re.search("系统研判：把握(?:很大|较大)", shown)
        and "按派单目录派单：电梯维保合同" in shown
        and "紧急事项（本地规定）" in shown
    )
    story = await seat.page.locator("ol.story").inner_text() + await seat.page.locator("#why").inner_text()
    assert LATIN.findall(story.replace("Asia/Shanghai", "")) == ["desk"]  # a person's name
    assert not seat.wrong


@on_one_database
@needs_browser
async def test_who_takes_a_call_reads_in_chinese_why_something_is_suggested(office: Office, cast: Cast) -> None:
    seat = await office.seat("operator")
    await seat.open("/console/take")
    await seat.page.fill("textarea[name=narrative]", "请问一下，3栋2单元的电梯里困了一个人，急得很")
    await seat.page.locator("#advice details summary").click()
    await seat.page.locator("#advice details li").first.wait_for()

    shown = await seat.page.locator("#advice details ul").inner_text()
    assert "危险：" in shown and "事项：" in shown and "地点：" in shown
    assert LATIN.findall(shown) == []
    assert not seat.wrong


@on_one_database
@needs_browser
async def test_what_a_person_wrote_is_left_as_it_is(office: Office, cast: Cast) -> None:
    said = ["waiting for parts: two weeks", "居民不在家", "see https://example.org/a: b", "not at home"]
    seat = await office.seat("dispatcher")
    await seat.open("/console/dispatch")
    assert await seat.page.evaluate(READ, said) == said
