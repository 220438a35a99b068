"""Every text there is, is used; every text that is used, is there: in three written languages."""

import re
from enum import StrEnum
from itertools import chain

import pytest

from hotline.console.app import _files
from hotline.console.pages import PAGES
from hotline.domain import vocabulary as v
from hotline.domain.catalogue import LANGUAGES, TEXTS
from hotline.domain.directory import SHAPES
from hotline.domain.figures import FIGURES
from hotline.domain.measures import JUDGED, MEASURES
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
    "role": v.Role, "kind": v.Kind, "priority": v.Priority, "metric": v.Metric, "problem": v.Code, "outcome": v.Outcome,
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
    families = {f"{family}." for family in FAMILIES} | {"public_action."}
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


def test_the_pages_are_small_and_ask_for_nothing_elsewhere() -> None:
    for name, (data, packed, _) in _files().items():
        assert b"http://" not in data.replace(b"http://www.w3.org", b"") and b"https://" not in data.replace(
            b'"https://"', b""
        ), name
        assert len(packed) < 30_000, name
    core = sum(len(_files()[n][0]) for n in ("core.js", "forms.js", "console.css"))
    for page in PAGES:
        module = _files().get(f"{page.name}.js", (b"", b"", ""))[0]
        for language in LANGUAGES:
            whole = core + len(module) + len(_files()[f"words.{language}.json"][0])
            assert whole < 95_000, (page.name, language, whole)
    for template in (CONSOLE / "templates").glob("*.html"):
        text = template.read_text(encoding="utf-8")
        assert not re.search(r"<script(?![^>]*(?:src=|application/json))", text), template.name
        assert " style=" not in text and not re.search(r"\son[a-z]+=", text), template.name
