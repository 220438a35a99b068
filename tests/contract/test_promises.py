"""Every promise has a test that reads it: the document, the guide, the README's commands, the settings, the layers."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate
from typer.core import TyperGroup as Group
from typer.main import get_command

from hotline.application import build_app
from hotline.cli import app
from hotline.locales.labels import label_pair
from hotline.openapi import api_routes, openapi_document
from hotline.organisation.model import vocabulary as organisation
from hotline.organisation.model.actors import Role
from hotline.organisation.model.vocabulary import Kind, Priority
from hotline.refusals import Code
from hotline.settings import Settings
from hotline.tickets.diagram import guide, mermaid
from hotline.tickets.lifecycle import ASSIGNMENT_MOVES, INTERNAL_ACTIONS, TICKET_MOVES
from hotline.tickets.model import vocabulary as tickets
from hotline.tickets.model.vocabulary import Action, AssignmentStatus, TicketStatus
from tests.conftest import ROOT, _never
from tests.contract.replies import document
from tools import glossary

DOCUMENT = document()


def test_the_published_api_is_the_api_we_serve() -> None:
    assert json.loads(json.dumps(openapi_document(build_app(_never)))) == DOCUMENT, "run: make openapi"


def test_the_document_is_valid_and_every_operation_has_a_name_and_its_refusals() -> None:
    validate(DOCUMENT)
    assert DOCUMENT["openapi"].startswith("3.1")
    names = [o["operationId"] for p in DOCUMENT["paths"].values() for o in p.values()]
    assert len(names) == len(set(names)) >= 60
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            if path.startswith("/v1/"):
                assert {"400", "401", "403", "422", "503"} <= operation["responses"].keys(), (method, path)
                assert operation.get("description"), (method, path)
                for status, answer in operation["responses"].items():
                    if int(status) >= 400:
                        assert list(answer["content"]) == ["application/problem+json"], (method, path, status)


SHAPES_OF_OTHERS = {  # where the document says nothing of an object, and why
    "DirectoryChange/after": "an item by the schema of its time",
    "DirectoryChange/before": "an item by the schema of its time",
    "InboundOut/details": "what its provider said beside it, by the provider's names",
    "InboundWhole/details": "what its provider said beside it, by the provider's names",
    "CeremonyOut/options": "what WebAuthn has browsers read",
    "ViewOut/query": "filters of the list of its page, by that list's own names",
    "WallTile/filters": "filters of the list of tickets, by its own names",
    "OutlineShape/coordinates/*": "positions, lines or rings, as RFC 7946 has them for the type of the shape",
    "Machine/schemas/*": "a JSON Schema",
    "read_directory_shape/200": "a JSON Schema",
    "write_directory_item/body": "an item of the noun of the path, by GET /v1/directory-shapes/{noun}",
    "push_text/body": "the provider's own form",
    "push_report/body": "the provider's own form",
    "push_voice/body": "the exchange's own form",
    "look_up_for_exchange_by_post/body": "`number`, as JSON or as a form: what the exchange can send",
    "push_order/body": "the other hotline's own form",
}
_COMBINED = ("$ref", "allOf", "anyOf", "oneOf", "enum", "const")


def unsaid(schema: Any, place: str) -> Iterator[str]:
    """Where a schema, or one inside it, does not say what it allows: no type, an object without properties, any key
    more, or an array of anything."""
    if schema is True or not (schema.keys() & {"type", *_COMBINED}):
        yield place
        return
    more = schema.get("additionalProperties")
    if (
        more is True
        or more == {}
        or (schema.get("type") == "object" and not ({"properties", "additionalProperties", *_COMBINED} & schema.keys()))
        or (schema.get("type") == "array" and not ({"items", "prefixItems"} & schema.keys()))
    ):
        yield place
    if isinstance(more, dict) and more:
        yield from unsaid(more, f"{place}/*")
    for name, inner in schema.get("properties", {}).items():
        yield from unsaid(inner, f"{place}/{name}")
    if "items" in schema:
        yield from unsaid(schema["items"], f"{place}/*")
    for inner in (*schema.get("prefixItems", ()), *(part for how in _COMBINED[1:4] for part in schema.get(how, ()))):
        yield from unsaid(inner, place)


def published_schemas() -> Iterator[tuple[str, Any]]:
    """(place, schema) of every component, body, reply, header and parameter of the document."""
    for name, schema in DOCUMENT["components"]["schemas"].items():
        assert re.fullmatch(r"[A-Za-z_0-9]+", name) and "__" not in name, name
        yield name, schema
    for item in (*DOCUMENT["paths"].values(), *DOCUMENT["webhooks"].values()):
        for operation in item.values():
            name = operation["operationId"]
            for parameter in operation.get("parameters", ()):
                yield f"{name}/{parameter['name']}", parameter["schema"]
            for content in operation.get("requestBody", {}).get("content", {}).values():
                yield f"{name}/body", content["schema"]
            for status, answer in operation["responses"].items():
                for content in answer.get("content", {}).values():
                    yield f"{name}/{status}", content["schema"]
                for header, told in answer.get("headers", {}).items():
                    yield f"{name}/{status}/{header}", told["schema"]


def test_every_schema_says_what_it_holds() -> None:
    """A new one says so too, or stands above with the reason."""
    found = {place for name, schema in published_schemas() for place in unsaid(schema, name)}
    assert found == SHAPES_OF_OTHERS.keys()


@pytest.mark.parametrize(
    "loose",
    [
        {}, {"title": "Any"}, {"type": "object"}, {"type": "object", "additionalProperties": True}, {"type": "array"},
        {"type": "array", "items": {}}, {"anyOf": [{"type": "null"}, {"type": "object"}]},
        {"type": "object", "properties": {"a": {}}}, {"type": "object", "additionalProperties": {}},
    ],
)  # fmt: skip
def test_a_schema_that_does_not_say_what_it_holds_is_found(loose: Any) -> None:
    assert list(unsaid(loose, "here"))
    assert not list(unsaid({"type": "object", "properties": {"a": {"type": ["string", "null"]}}}, "here"))


def test_every_operation_declares_its_tag_its_security_and_the_version_it_needs() -> None:
    known = {tag["name"] for tag in DOCUMENT["tags"] if tag["description"]}
    hooks = [o for item in DOCUMENT["webhooks"].values() for o in item.values()]
    for operation in [*(o for item in DOCUMENT["paths"].values() for o in item.values()), *hooks]:
        name = operation["operationId"]
        assert set(operation["tags"]) <= known and "security" in operation, name
        required = [p["name"] for p in operation.get("parameters", ()) if p["in"] == "header" and p.get("required")]
        assert ("If-Match" in required) == ("428" in operation["responses"]), name


def test_every_action_of_both_machines_has_its_own_path_and_example() -> None:
    for move in TICKET_MOVES:
        path = f"/v1/tickets/{{number}}/actions/{move.action}"
        assert (path in DOCUMENT["paths"]) == (move.action not in INTERNAL_ACTIONS), move.action
    for order in ASSIGNMENT_MOVES:
        path = f"/v1/tickets/{{number}}/assignments/{{assignment}}/actions/{order.action}"
        assert (path in DOCUMENT["paths"]) == (order.action not in ("auto_accept", "release", "undo")), order.action
    bodies = {
        n: s
        for n, s in DOCUMENT["components"]["schemas"].items()
        if re.match(r"(Ticket|Order)[A-Z]", n) and s.get("additionalProperties") is False
    }
    assert all("examples" in s for s in bodies.values())


def test_the_guide_draws_the_tables_as_they_are() -> None:
    kept = (ROOT / "docs/lifecycle.md").read_text(encoding="utf-8")
    drawn = re.findall(r"```mermaid\n(.*?)\n```", kept, re.DOTALL)
    assert drawn == [
        mermaid(TICKET_MOVES, TicketStatus.RECEIVED),
        mermaid(ASSIGNMENT_MOVES, AssignmentStatus.ISSUED),
    ], "run: make docs"
    assert kept.rstrip("\n") == guide().rstrip("\n"), "run: make docs"


def test_the_glossary_has_every_vocabulary_as_the_catalogues_say_it() -> None:
    kept = glossary.GUIDE.read_text(encoding="utf-8").partition(glossary.BEGINS)
    assert kept[1] + kept[2] == glossary.vocabulary(), "run: make docs"
    told = set(glossary.VOCABULARIES.values())
    known = {
        c for v in (tickets, organisation) for c in vars(v).values() if isinstance(c, type) and issubclass(c, StrEnum)
    }
    # of directory items
    settings = {
        "AttributeType",
        "Counting",
        "DayEnd",
        "Grade",
        "Intake",
        "Operator",
        "Outer",
        "Reach",
        "Receiver",
        "Starts",
        "Unit",
    }
    inner = {"Field", "Guard", "Queue"}
    assert {c.__name__ for c in known - told - {StrEnum}} == settings | inner


@pytest.mark.parametrize("words", [Action, TicketStatus, AssignmentStatus, Role, Kind, Priority])
def test_every_word_has_its_chinese_and_its_english(words: type[StrEnum]) -> None:
    for word in words:
        zh, en = label_pair(word)
        assert re.search(r"[\u4e00-\u9fff]", zh) and en.isascii()


PAPERS = [ROOT / "README.md", ROOT / "README.zh.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
every_paper = pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)


def _code_in(paper: Path) -> list[str]:
    """Lines of its code blocks, a line that goes on in the next one whole, and what stands between backticks elsewhere."""
    blocks, around = [], []
    for n, part in enumerate(re.split(r"^ *```.*\n", paper.read_text(encoding="utf-8"), flags=re.MULTILINE)):
        (blocks if n % 2 else around).append(part)
    lines = [line.split(" #")[0] for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return lines + re.findall(r"`([^`\n]+)`", "".join(around))


@every_paper
def test_what_a_paper_tells_to_type_is_there(paper: Path) -> None:
    made = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    commands = get_command(app)
    for line in _code_in(paper):
        if typed := re.match(r"make((?: [a-z-]+)+)", line):
            assert set(typed[1].split()) <= made, line
        for words in re.findall(r"(?:^|[ /])hotline ([a-z][^;)]*)", line):
            names, options = re.split(r" (?=-)", words)[0].split(), re.findall(r"(?<![\w-])--[a-z-]+", words)
            found = [commands]
            for name in names:
                if isinstance(found[0], Group):
                    assert set(name.split("|")) <= set(found[0].commands), line
                    found = [found[0].commands[each] for each in name.split("|")]
            known = {opt for each in found for par in each.params for opt in (*par.opts, *par.secondary_opts)}
            assert set(options) <= known | {"--help"}, line


@every_paper
def test_where_a_paper_points_there_is_something(paper: Path) -> None:
    text = paper.read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!http)([^)]+)\)", text):
        path, _, heading = link.partition("#")
        target = paper.parent / path if path else paper
        assert target.exists(), link
        if heading:
            titles = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}, link
    packages, folders = (
        ROOT / "src/hotline",
        {"src", "tests", "docs", "seeds", "tools", "bench", "deploy", "migrations", "openapi"},
    )
    within = {path.stem for path in packages.iterdir()}
    for token in _code_in(paper):
        if re.fullmatch(r"[a-z]\w*(?:/\w[\w.]*)+/?", token) and token.split("/")[0] in folders | within:
            place = (ROOT if token.split("/")[0] in folders else packages) / token
            assert place.exists() or place.with_suffix(".py").exists(), token


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_the_tables_of_the_readme_name_packages_and_files_that_exist(name: str) -> None:
    rows = [
        row.split("|") for row in re.findall(r"^\|.*`.*\|$", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
    ]
    packages = [token for row in rows for token in re.findall(r"`([^`]+)`", row[1])]
    files = [
        token for row in rows for token in re.findall(r"`([\w/]+\.?\w+/?)`", row[2]) if re.search(r"/|\.py$", token)
    ]
    src = ROOT / "src/hotline"
    assert len(packages) >= 20
    assert len(files) >= 25
    for token in packages:
        assert (src / token).exists() or (src / f"{token}.py").exists(), token
    for token in files:
        assert (src / token).exists() or (ROOT / token).exists() or [*src.rglob(token)], token
    assert {package.parent.name for package in src.glob("*/__init__.py")} <= set(packages)  # and none is left out


@every_paper
def test_every_path_a_paper_asks_is_served(paper: Path) -> None:
    asked = set(re.findall(r"\$U(/v1/[A-Za-z0-9$/_-]+)", paper.read_text(encoding="utf-8")))
    served = [re.compile(re.sub(r"\{\w+\}", "[^/]+", path) + "$") for path in DOCUMENT["paths"]]
    assert not [path for path in asked if not any(one.match(path) for one in served)]
    assert asked or paper.name not in ("README.md", "README.zh.md", "tour.md", "boards.md", "time.md")


def test_every_decision_has_a_status_and_a_date() -> None:
    numbers = []
    for record in sorted((ROOT / "docs/decisions").glob("*.md")):
        head = record.read_text(encoding="utf-8").split("\n")
        assert re.fullmatch(rf"# {record.name[:4]} [A-Z\w].*", head[0]), record.name
        assert re.match(r"Status: (?:proposed|accepted|superseded)\b", head[2]), record.name
        assert re.fullmatch(r"Date: \d{4}-\d\d-\d\d", head[3]), record.name
        numbers.append(int(record.name[:4]))
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_settings_the_papers_name_exist() -> None:
    known = {f"HOTLINE_{name.upper()}" for name in Settings.model_fields} | {
        "HOTLINE_TEST_PG_URL",
        "HOTLINE_PASSWORD",
        "HOTLINE_DEMO_KEY",
    }
    for name in ("README.md", "README.zh.md", "docs/operations.md", "compose.yaml", "Dockerfile"):
        found = set(re.findall(r"HOTLINE_[A-Z_]+", (ROOT / name).read_text(encoding="utf-8")))
        assert {f.rstrip("_") for f in found} - {"HOTLINE"} <= known, name
    reads = [p for p in (ROOT / "src").rglob("*.py") if re.search(r"os\.environ|getenv", p.read_text(encoding="utf-8"))]
    # command_line: HOTLINE_PASSWORD alone, the rest is settings; subprocess: what a process of its own inherits
    assert {p.name for p in reads} <= {"command_line.py", "subprocess.py"}


def test_lock_files_name_no_address_and_the_source_no_machine() -> None:
    for name in (
        "requirements.lock",
        "requirements-dev.lock",
        "requirements-generators.lock",
        "requirements-sbom.lock",
        "requirements-uv.lock",
    ):
        text = (ROOT / name).read_text()
        assert "://" not in text and "--index-url" not in text
        assert "--hash=sha256:" in text
    for path in [*(ROOT / "src").rglob("*.py"), *(ROOT / "tests").rglob("*.py"), ROOT / "Makefile", ROOT / ".ci/run"]:
        assert not re.search(
            r"/(?:root|home|work)/", path.read_text(encoding="utf-8").replace("/(?:root|home|work)/", "")
        ), path


def test_the_image_begins_with_bytes_that_are_named() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert re.findall(r"^ARG PYTHON_IMAGE=python:3\.\d+-slim-\w+@sha256:[0-9a-f]{64}$", text, re.MULTILINE)
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {"${PYTHON_IMAGE}"}


def test_modules_are_named_for_what_they_hold() -> None:
    names = {p.stem for p in (ROOT / "src").rglob("*.py")}
    assert names.isdisjoint({"utils", "helpers", "manager", "base", "common", "misc"})


def test_nothing_is_done_after_the_answer_or_by_the_wrong_clock() -> None:
    for path in (ROOT / "src/hotline").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "BackgroundTasks" not in text
        if path.name != "wiring.py" and path.name != "demo.py":
            assert not re.search(r"datetime\.(?:now|utcnow)\(|func\.now\(|time\.time\(", text), path


def test_every_refusal_code_is_in_the_document() -> None:
    assert len(api_routes(build_app(_never))) >= len(DOCUMENT["paths"])
    said = json.dumps(DOCUMENT)
    elsewhere = {Code.UNKNOWN_ACTION}  # of paths that are in no document
    assert {c for c in Code if f"`{c}`" not in said} == elsewhere


def _modules_of_rules() -> list[Path]:
    """Files of the modules that import-linter's contract for rules names, those within its packages too."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    (named,) = [c["source_modules"] for c in contracts if c["name"] == "rules import the standard library alone"]
    files: list[Path] = []
    for module in named:
        place = ROOT / "src" / module.replace(".", "/")
        found = [*place.rglob("*.py")] if place.is_dir() else [place.with_suffix(".py")]
        assert found and all(path.is_file() for path in found), module
        files += found
    return files


def test_rules_import_the_standard_library_alone() -> None:
    """import-linter's contract forbids a list of packages; here everything else is forbidden."""
    allowed = sys.stdlib_module_names | {"hotline"}  # which of ours, import-linter sees to
    files = _modules_of_rules()
    assert len(files) > 40, "the reader of the contract has lost its way"
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [str(node.module)]
            assert {n.split(".")[0] for n in names} <= allowed, (path.name, names)


def test_no_published_text_shows_a_seam() -> None:
    assert not re.search(r"\bask\.", json.dumps(DOCUMENT))


def test_nothing_of_this_machine_is_in_the_project() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    assert not [f for f in listed.stdout.splitlines() if f.startswith((".venv", "hotline-data", ".make"))]


def test_the_version_is_written_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["license"] == "Apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text()
