"""Every text there is, is used; every text that is used, is there: in three written languages."""

import ast
import re
from collections.abc import Iterator
from enum import StrEnum
from itertools import chain
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hotline.console.app import _files
from hotline.console.pages import PAGES
from hotline.domain import vocabulary as v
from hotline.domain.catalogue import LANGUAGES, TEXTS
from hotline.domain.directory import SHAPES
from hotline.domain.figures import FIGURES
from hotline.domain.lifecycle import GUARDS
from hotline.domain.measures import JUDGED, MEASURES
from hotline.domain.wording import rule_of, rule_said
from hotline.refusals import Code
from hotline.services.directory import shape_of
from tests.conftest import ROOT


def fields_of_items() -> tuple[str, ...]:
    """Every field of the forms of administration: of the directory's nouns, and of what stands beside it."""
    found = {"login", "password", "roles", "url", "events"}
    for noun in SHAPES:
        shape = shape_of(noun)
        for part in (shape, *shape.get("$defs", {}).values()):
            found |= part.get("properties", {}).keys()
    return tuple(sorted(found))


CONSOLE = ROOT / "src/hotline/console"
FAMILIES: dict[str, type[StrEnum] | tuple[str, ...]] = {
    "status": v.TicketStatus, "order": v.AssignmentStatus, "public_status": v.TicketStatus, "action": v.Action,
    "role": v.Role, "kind": v.Kind, "priority": v.Priority, "metric": v.Metric, "problem": Code, "outcome": v.Outcome,
    "channel": v.Channel, "level": v.Level, "satisfaction": v.Satisfaction, "reached": v.Reached,
    "decline_reason": v.DeclineReason, "void_reason": v.VoidReason, "return_reason": v.ReturnReason, "fault": v.Fault,
    "funding": v.Funding, "field": v.Field, "part": v.Part, "department_kind": v.DepartmentKind, "danger": v.Danger,
    "period": v.Period, "text": v.TextStatus, "area_level": v.AreaLevel,
    "attribute_type": v.AttributeType, "counting": v.Counting, "day_end": v.DayEnd, "hours": v.Hours, "intake": v.Intake,
    "outer": v.Outer, "starts": v.Starts, "item": fields_of_items(), "export_status": v.ExportStatus, "export": v.ExportKind, "actor": v.ActorKind,
    "colour": ("green", *v.Level, "grey"), "figure": tuple(FIGURES), "measure": (*MEASURES, *JUDGED.values()),
    "page": (*(p.name for p in PAGES), "login", "nowhere"), "reports": tuple(v.Period),
}  # fmt: skip


def written() -> str:
    files = chain(CONSOLE.rglob("*.js"), CONSOLE.rglob("*.html"), (ROOT / "src/hotline").rglob("*.py"))
    return "\n".join(f.read_text(encoding="utf-8") for f in files if f.name != "catalogue.py")


def test_every_word_of_every_family_has_its_text() -> None:
    missing = [
        f"{family}.{word}" for family, words in FAMILIES.items() for word in words if f"{family}.{word}" not in TEXTS
    ]
    assert missing == []


def test_no_text_is_missing_and_none_is_left_over() -> None:
    source = written()
    said = set(re.findall(r"""["']([a-z_]+(?:\.[a-z_0-9]+)+)["']""", source)) & TEXTS.keys()
    asked = set(re.findall(r"""\b(?:t|text|say|pair)\(["']([a-z_]+(?:\.[a-z_0-9]+)+)["']\s*[,)]""", source))
    asked |= set(re.findall(r'data-empty="([a-z_.]+)"', source))
    assert asked - TEXTS.keys() == set(), "used, and not in the catalogue"
    # keys made of a family and a word, as `t("figures.by." + by)`, are asked for by their beginning
    begun = set(re.findall(r"""["'`]([a-z_]+(?:\.[a-z_]+)*\.)(?:["']\s*(?:~|\+)|\$\{|\{)""", source))
    families = {f"{family}." for family in FAMILIES} | {"public_action.", "rule."}
    left = {key for key in TEXTS if key not in said and not any(key.startswith(b) for b in begun | families)}
    assert left == set(), "in the catalogue, and used nowhere"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_written_in_its_language(language: str) -> None:
    place = LANGUAGES.index(language)
    for key, texts in TEXTS.items():
        said = texts[place]
        assert said.strip(), key
        if language == "en":
            assert not re.search(r"[\u4e00-\u9fff]", said), key
        holes = {frozenset(re.findall(r"\{(\w+)\}", t)) for t in texts}
        assert len(holes) == 1, f"{key}: not the same holes in every language"
    assert any(TEXTS[k][0] != TEXTS[k][1] for k in TEXTS)  # traditional is not simplified


def modules_of(name: str) -> set[str]:
    """A module and every module that is loaded with it."""
    found: set[str] = set()
    left = [name]
    while left:
        if (one := left.pop()) not in found and one in _files():
            found.add(one)
            left += re.findall(r'^import (?:.* from )?"\./([a-z_]+\.js)";', _files()[one][0].decode(), re.MULTILINE)
    return found


def test_the_pages_are_small_and_ask_for_nothing_elsewhere() -> None:
    for name, (data, packed, _) in _files().items():
        assert b"http://" not in data.replace(b"http://www.w3.org", b"") and b"https://" not in data.replace(
            b'"https://"', b""
        ), name
        assert len(packed) < 30_000, name
    for page in PAGES:
        names = {"console.css", f"{page.name}.css", *modules_of(f"{page.name}.js")} & _files().keys()
        for language in LANGUAGES:
            whole = sum(len(_files()[name][0]) for name in (*names, f"words.{language}.json"))
            assert whole < 95_000, (page.name, language, whole)
    for template in (CONSOLE / "templates").glob("*.html"):
        text = template.read_text(encoding="utf-8")
        assert not re.search(r"<script(?![^>]*(?:src=|application/json))", text), template.name
        assert " style=" not in text and not re.search(r"\son[a-z]+=", text), template.name


def rules_of_the_source() -> set[str]:
    """Every rule that our own code says was broken, its holes filled."""
    found: set[str] = set()

    def filled(node: ast.expr) -> str | None:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        if isinstance(node, ast.JoinedStr):
            return "".join(str(v.value) if isinstance(v, ast.Constant) else "x1" for v in node.values)
        return None

    def pairs(node: ast.AST) -> Iterator[ast.expr]:
        yield from (m.elts[1] for m in ast.walk(node) if isinstance(m, ast.Tuple) and len(m.elts) == 2)

    raising = {"directory.py", "words.py", "calls.py"}  # what these raise is said of a field
    for file in (ROOT / "src/hotline").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            said: list[ast.expr] = []
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name == "Wrong":
                    said += node.args[3:4]
                if name == "ValueError" and file.name in raising and file.parent.name in ("domain", "schemas"):
                    said += node.args[:1]
                said += [rule for k in node.keywords if k.arg == "errors" for rule in pairs(k.value)]
                if name == "append" and getattr(getattr(node.func, "value", None), "id", "") == "errors":
                    said += [rule for given in node.args for rule in pairs(given)]
            if isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple) and len(node.value.elts) == 2:
                said += [node.value.elts[1]] if file.name == "directory.py" and file.parent.name == "domain" else []
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names = {getattr(target, "id", "") for target in targets}
                if "errors" in names or "GUARDS" in names:
                    said += pairs(node.value)
                if "rule" in names:
                    said.append(node.value)
            found |= {text for text in map(filled, said) if text}
    return found


def test_every_broken_rule_is_told_in_chinese_too() -> None:
    said = rules_of_the_source()
    assert len(said) > 80, "the reader of the source has lost its way"
    assert sorted(rule for rule in said if rule_said(rule) is None) == []
    source = written()
    for key, (_, _, english) in TEXTS.items():
        if key.startswith("rule.") and not english.startswith(
            ("String should", "List should", "Input should", "Value should")
        ):
            longest = max(re.split(r"\{\w+\}", english), key=len)  # Pydantic's own sentences apart
            assert longest in source.replace('\\"', '"'), f"{key}: nobody says so"


class Form(BaseModel):
    text: str = Field("ok", min_length=2, max_length=4, pattern="^[a-z]+$")
    number: int = Field(5, ge=1, le=9)
    above: float = Field(5, gt=1, lt=9)
    words: list[str] = Field(["a"], min_length=1, max_length=2)
    yes: bool = True
    many: dict[str, str] = {}
    one: Literal["a", "b"] = "a"
    level: v.Level = v.Level.BLUE
    model_config = ConfigDict(extra="forbid")


@pytest.mark.parametrize(
    "body",
    [
        {"text": "a"}, {"text": "abcde"}, {"text": "AB"}, {"text": 3}, {"number": "x"}, {"number": 0}, {"number": 10},
        {"number": 1.5}, {"above": 1}, {"above": 9}, {"above": "x"}, {"words": []}, {"words": ["a"] * 3}, {"words": 1},
        {"yes": "perhaps"}, {"many": 1}, {"one": "c"}, {"level": "c"}, {"other": 1},
    ],
)  # fmt: skip
def test_what_the_reader_of_forms_finds_is_told_in_chinese_too(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as wrong:
        Form.model_validate(body)
    for error in wrong.value.errors():
        rule = rule_of(error["type"], error["msg"])
        said = rule_said(rule)
        assert said is not None, rule
        details = {*v.Level, "true", "false"}  # what may stand there is told as it is written
        assert [w for w in re.findall(r"[A-Za-z]{4,}", said[0]) if w not in details] == [], said[0]


def test_what_is_said_of_a_rule_keeps_its_details() -> None:
    assert rule_said("unknown area: rq-b99") == ("没有此区域：rq-b99", "沒有此區域：rq-b99")
    assert rule_said("quite another matter") is None
    for _, said in GUARDS.values():
        assert rule_said(said) is not None, said
