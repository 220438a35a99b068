"""Breaks what must not break, one place at a time, and looks whether the tests notice: `python -m tools.mutants`, or
`make mutants`. Prints a line for each mutant; exits 1 if one survives. `--kind scope`: one kind; `--list`: the names;
`--sample 5`: every fifth; `--check`: only whether each can still be made of today's source, and its tests are there.

Each mutant is made in a copy of the project. The tests that are likely to notice it run there on SQLite until the first
that fails, and where none does, the others of its kind."""

import argparse
import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

Changes = tuple[tuple[Path, str, str], ...]
Located = ast.expr | ast.stmt
N = TypeVar("N", bound=ast.AST)
ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "hotline"
SECONDS = 600  # for the tests of one mutant
SYSTEM_SCOPE = "__import__('hotline.organisation.model.scopes', fromlist=['x']).SYSTEM_SCOPE"
PACKAGES_OF_TESTS = {"incidents": ("incidents",), "telephony": ("telephony", "sms"), "reporting": ("reporting",)}
TESTS_OF_TABLES = {
    "inbound": ("sms/test_incoming_routes.py", "inbound", "sms"),
    "voice": ("telephony/test_calls.py", "telephony"),
    "return": ("telephony/test_calls.py", "telephony"),
    "person": ("organisation/test_accounts.py", "organisation"),
    "second": ("organisation/test_second_factors.py", "organisation"),
    "event": ("streaming/test_stream.py", "streaming"),
    "caller": ("tickets/test_lookup.py", "tickets"),
    "ticket": ("tickets/test_duplicates.py", "importing", "open311", "tickets"),
}
HTTP = ("contract/test_authorization.py", "web", "contract/test_mended.py")
LIKELY = {  # by the beginning of a module: what is likely to notice that it asks for too much
    "console": ("reporting/test_figures.py", "reporting/test_oversight.py"),
    "incidents": ("incidents/test_reading.py", "incidents/test_stories.py"),
    "reporting.store.oversight": ("reporting/test_oversight.py",),
    "reporting.routes.oversight": ("reporting/test_oversight.py",),
    "reporting": ("reporting/test_figures.py", "reporting/test_exports.py"),
    "review": ("contract/test_access_matrix.py",),
    "sms": ("sms/test_texting.py", "contract/test_access_matrix.py"),
    "streaming": ("streaming/test_stream.py",),
    "telephony": ("telephony/test_calls.py",),
    "tickets.splitting": ("tickets/test_splitting.py",),
    "tickets.store.duplicates": ("tickets/test_duplicates.py",),
    "tickets.routes.duplicates": ("tickets/test_duplicates.py",),
    "tickets.model": ("tickets/test_visible_entries.py",),
}
EXCHANGES = {"telephony": "telephony/test_calls.py", "sms": "sms/test_incoming_routes.py"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """`changes`: file, what stands there, what takes its place. `tests`: files and folders below tests; `likely`: those
    to begin with."""

    name: str
    changes: Changes
    tests: tuple[str, ...]
    likely: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        return self.name.partition(":")[0]


def mutants() -> Iterator[Mutant]:
    """All, of all kinds."""
    yield from _calls("scope", ("scope_condition", "ticket_scope_condition"), "__import__('sqlalchemy').true()")
    yield from _calls("actor", ("scope_of",), SYSTEM_SCOPE)
    yield from _comparisons()
    yield from _signatures()
    yield from _escapes()
    yield from hand_written()


def hand_written() -> Iterator[Mutant]:
    """Those that name what stands in the source, by its words."""
    yield from _uniqueness()
    yield from _statuses()
    yield from _single()


def _calls(kind: str, names: tuple[str, ...], instead: str) -> Iterator[Mutant]:
    """Each call of these functions, replaced: a query that has lost its scope, a route that asks for all."""
    for path, text, node in _nodes(ast.Call):
        if _called(node) in names and path.name != "scopes.py":
            changed = _replaced(path, text, node, node, instead)
            yield Mutant(_name(kind, path, node), changed, _tests_beside(path), _likely(path))


def _comparisons() -> Iterator[Mutant]:
    """Each comparison in constant time, made an ordinary one."""
    for path, text, node in _nodes(ast.Call):
        if _called(node) == "compare_digest":
            first, second = (ast.get_source_segment(text, argument) for argument in node.args)
            changed = _replaced(path, text, node, node, f"(({first}) == ({second}))")
            yield Mutant(_name("compare", path, node), changed, ("contract/test_secret_comparisons.py",))


def _signatures() -> Iterator[Mutant]:
    """Each provider that no longer looks who pushes."""
    for path, text, node in _nodes(ast.FunctionDef):
        if node.name == "authenticate" and path.parent.name in ("providers", "exchanges", "platforms"):
            changed = _replaced(path, text, node.body[0], node.body[-1], "return")
            likely = EXCHANGES.get(path.relative_to(SOURCE).parts[0], "webhooks")
            yield Mutant(_name("signature", path, node), changed, ("sms", "telephony", "webhooks"), (likely,))


def _uniqueness() -> Iterator[Mutant]:
    """Each unique constraint and index, dropped in the migration that makes it."""
    for path in sorted((ROOT / "migrations/versions").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        upgrade = text.partition("def downgrade")[0]
        for found in re.finditer(r"sa\.UniqueConstraint\([^\n]*?name=op\.f\(['\"](\w+)['\"]\)\)", upgrade):
            instead = f'sa.CheckConstraint("1 = 1", name="{found[1]}")'
            tests = _tests_of_unique(found[1])
            yield Mutant(f"unique:{found[1]}", ((path, found[0], instead),), tests, tests[:1])
        for found in re.finditer(r"(?:op\.f\()?['\"](uq_\w+)['\"]\)?,[^\n]*unique=True", upgrade):
            instead, tests = found[0].replace("unique=True", "unique=False"), _tests_of_unique(found[1])
            yield Mutant(f"unique:{found[1]}", ((path, found[0], instead),), tests, tests[:1])


def _tests_of_unique(name: str) -> tuple[str, ...]:
    table = name.removeprefix("uq_").partition("_")[0]
    return (*TESTS_OF_TABLES.get(table, ("tickets", "open311", "streaming")), "database")


def _statuses() -> Iterator[Mutant]:
    """Each refusal, answered as if something had been made."""
    path = SOURCE / "web" / "problems.py"
    for line in re.findall(r"^    Code\.\w+: [45]\d\d,$", path.read_text(encoding="utf-8"), re.MULTILINE):
        code = line.strip().partition(":")[0].removeprefix("Code.").lower()
        instead = re.sub(r"\d+,$", "201,", line)
        yield Mutant(f"status:{code}", ((path, line, instead),), ("web",), ("web/test_refusals.py",))


def _escapes() -> Iterator[Mutant]:
    """Each text that is escaped by hand, left as it came. Not where markupsafe does it: what it has not marked as
    escaped is escaped by the template, so that nothing is lost."""
    for path, text, node in _nodes(ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id == "escape" and "markupsafe" not in text:
            given = ast.get_source_segment(text, node.args[0]) or ""
            package = path.relative_to(SOURCE).parts[0]
            likely = tuple(f"{package}/{name}" for name in ("test_charts.py", "test_markup.py", "test_open311.py"))
            there = tuple(name for name in likely if (ROOT / "tests" / name).exists())
            yield Mutant(_name("escape", path, node), _replaced(path, text, node, node, given), (package,), there)


def _single() -> Iterator[Mutant]:
    """Those that stand in one place."""
    core, journal = SOURCE / "console/static/core.js", SOURCE / "database/journal.py"
    handover, rendering = SOURCE / "delivery/handover.py", SOURCE / "web/templating.py"
    yield Mutant(
        "escape:core.js",
        (
            (
                core,
                "  made.append(...laid(children));",
                "  for (const c of laid(children)) if (typeof c === 'string') made.insertAdjacentHTML('beforeend', c);"
                " else made.append(c);",
            ),
        ),
        ("console",),
        ("console/test_markup.py",),
    )
    templates = ((rendering, "autoescape=True", "autoescape=False"),)
    yield Mutant("escape:templates", templates, ("console",), ("console/test_markup.py",))
    yield Mutant(
        "commit:journal",
        (
            (
                journal,
                "            outcomes = await self.db.write([plan for plan, _ in batch])\n",
                "            self._late = asyncio.ensure_future(self.db.write([plan for plan, _ in batch]))\n"
                "            outcomes = [Committed(plan.answer) for plan, _ in batch]\n",
            ),
        ),
        ("database", "tickets"),
        ("database/test_journal.py",),
    )
    yield Mutant(
        "sent:marked before",
        (
            (
                handover,
                "            answer = await send()\n",
                "            await self.batcher.write(lambda c: outbox_store.mark_sent(c, m.id, token))\n"
                "            answer = await send()\n",
            ),
        ),
        ("delivery",),
        ("delivery/test_outbox.py",),
    )


def _nodes(kind: type[N]) -> Iterator[tuple[Path, str, N]]:
    for path in sorted(SOURCE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        yield from ((path, text, node) for node in ast.walk(ast.parse(text)) if isinstance(node, kind))


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _replaced(path: Path, text: str, first: Located, last: Located, instead: str) -> Changes:
    """What stands from the one node to the other, replaced in the whole file: the same words may stand in it twice."""
    lines = text.encode().splitlines(keepends=True)
    begins = sum(map(len, lines[: first.lineno - 1])) + first.col_offset
    ends = sum(map(len, lines[: (last.end_lineno or 0) - 1])) + (last.end_col_offset or 0)
    return ((path, text, (text.encode()[:begins] + instead.encode() + text.encode()[ends:]).decode()),)


def _name(kind: str, path: Path, node: Located) -> str:
    return f"{kind}:{'.'.join(path.relative_to(SOURCE).with_suffix('').parts)}:{node.lineno}"


def _tests_beside(path: Path) -> tuple[str, ...]:
    package = path.relative_to(SOURCE).parts[0]
    folders = PACKAGES_OF_TESTS.get(package, (package,))
    return (*HTTP, *(folder for folder in folders if (ROOT / "tests" / folder).is_dir()))


def _likely(path: Path) -> tuple[str, ...]:
    module = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
    return next((tests for begins, tests in LIKELY.items() if module.startswith(begins)), HTTP[:1])


def run(mutant: Mutant, copy: Path) -> str:
    """killed, survived, or what went wrong. `copy`: a whole project, left as it was."""
    try:
        for path, before, after in mutant.changes:
            there = copy / path.relative_to(ROOT)
            text = there.read_text(encoding="utf-8")
            if text.count(before) != 1:
                return "not applied"
            there.write_text(text.replace(before, after), encoding="utf-8")
        others = tuple(each for each in dict.fromkeys(mutant.tests) if each not in mutant.likely)
        for tests in filter(None, (mutant.likely, others)):
            code = _test(copy, tests)
            if code != 0:
                return "killed" if code in (1, 2) else f"no answer: {code}"
        return "survived"
    except subprocess.TimeoutExpired:
        return "killed"  # what hangs is noticed
    finally:
        for path, _, _ in mutant.changes:
            shutil.copyfile(path, copy / path.relative_to(ROOT))


def faults(mutant: Mutant) -> list[str]:
    """Why a mutant cannot be made of the source as it is, or says nothing; empty where nothing is wrong."""
    found = []
    for path, before, after in mutant.changes:
        text = path.read_text(encoding="utf-8")
        if text.count(before) != 1:
            found.append(f"what is replaced stands {text.count(before)} times in {path.name}")
        elif path.suffix == ".py":
            try:
                if ast.dump(ast.parse(text.replace(before, after))) == ast.dump(ast.parse(text)):
                    found.append(f"{path.name} stays as it is")
            except SyntaxError:
                found.append(f"{path.name} cannot be read then")
    tests = dict.fromkeys((*mutant.likely, *mutant.tests))
    return found + [f"no tests/{each}" for each in tests if not (ROOT / "tests" / each).exists()]


def _check(chosen: Sequence[Mutant]) -> int:
    wrong = {mutant.name: said for mutant in chosen if (said := faults(mutant))}
    for name, said in wrong.items():
        print(f"{name}: {', '.join(said)}")
    print(f"{len(chosen) - len(wrong)} of {len(chosen)} can be made")
    return 1 if wrong else 0


def _test(copy: Path, tests: tuple[str, ...]) -> int:
    """pytest's exit code."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-k", "not postgres"]
    environment = {**os.environ, "PYTHONPATH": str(copy / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    command += [f"tests/{each}" for each in tests]
    return subprocess.run(  # noqa: S603
        command, cwd=copy, env=environment, capture_output=True, timeout=SECONDS, check=False
    ).returncode


def copy_project(into: Path) -> None:
    """What is under version control, with the environments of this one."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout  # noqa: S607
    for name in filter(None, listed.decode().split("\0")):
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, into / name)
    for environment in (".venv", ".make"):
        (into / environment).symlink_to(ROOT / environment)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", help="of this kind, or this one mutant")
    parser.add_argument("--list", action="store_true", help="names only")
    parser.add_argument("--jobs", type=int, default=2, help="at once")
    parser.add_argument("--sample", type=int, default=1, metavar="N", help="every N-th of them")
    parser.add_argument("--check", action="store_true", help="whether each can be made; no test runs")
    given = parser.parse_args(arguments)
    chosen = [m for m in mutants() if given.kind in (None, m.kind, m.name)][:: given.sample]
    if given.list:
        print(*(m.name for m in chosen), sep="\n")
        return 0
    if given.check:
        return _check(chosen)
    with tempfile.TemporaryDirectory() as folder:
        copies: SimpleQueue[Path] = SimpleQueue()
        for n in range(given.jobs):
            copy_project(Path(folder) / str(n))
            copies.put(Path(folder) / str(n))
        survived = sum(_all(chosen, copies, given.jobs))
    print(f"{len(chosen) - survived} of {len(chosen)} killed")
    return 1 if survived else 0


def _all(chosen: list[Mutant], copies: "SimpleQueue[Path]", jobs: int) -> Iterator[bool]:
    def one(mutant: Mutant) -> str:
        copy = copies.get()
        try:
            return run(mutant, copy)
        finally:
            copies.put(copy)

    with ThreadPoolExecutor(jobs) as pool:
        for n, (mutant, result) in enumerate(zip(chosen, pool.map(one, chosen), strict=True), 1):
            print(f"{n}/{len(chosen)} {result:9} {mutant.name}", flush=True)
            yield result != "killed"


if __name__ == "__main__":
    sys.exit(main())
