"""Breaks what must not break, one place at a time, and looks whether the tests notice: `python -m tools.mutants`, or
`make mutants`. Prints a line for each mutant; exits 1 if one survives. `--kind scope`: one kind; `--list`: the names.

Each mutant is made in a copy of the project; the tests of its kind run there on SQLite, until the first that fails."""

import argparse
import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
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
    "inbound": ("sms",),
    "voice": ("telephony",),
    "return": ("telephony",),
    "person": ("organisation",),
}
HTTP = ("contract/test_authorization.py", "web", "contract/test_mended.py")


@dataclass(frozen=True, slots=True)
class Mutant:
    """`changes`: file, what stands there, what takes its place. `tests`: files and folders below tests."""

    name: str
    changes: Changes
    tests: tuple[str, ...]

    @property
    def kind(self) -> str:
        return self.name.partition(":")[0]


def mutants() -> Iterator[Mutant]:
    """All, of all kinds."""
    yield from _calls("scope", ("scope_condition", "ticket_scope_condition"), "__import__('sqlalchemy').true()")
    yield from _calls("actor", ("scope_of",), SYSTEM_SCOPE)
    yield from _comparisons()
    yield from _signatures()
    yield from _uniqueness()
    yield from _statuses()
    yield from _single()


def _calls(kind: str, names: tuple[str, ...], instead: str) -> Iterator[Mutant]:
    """Each call of these functions, replaced: a query that has lost its scope, a route that asks for all."""
    for path, text, node in _nodes(ast.Call):
        if _called(node) in names and path.name != "scopes.py":
            yield Mutant(_name(kind, path, node), _replaced(path, text, node, node, instead), _tests_beside(path))


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
            yield Mutant(_name("signature", path, node), changed, ("sms", "telephony", "webhooks"))


def _uniqueness() -> Iterator[Mutant]:
    """Each unique constraint and index, dropped in the migration that makes it."""
    for path in sorted((ROOT / "migrations/versions").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        upgrade = text.partition("def downgrade")[0]
        for found in re.finditer(r"sa\.UniqueConstraint\([^\n]*?name=op\.f\(['\"](\w+)['\"]\)\)", upgrade):
            instead = f'sa.CheckConstraint("1 = 1", name="{found[1]}")'
            yield Mutant(f"unique:{found[1]}", ((path, found[0], instead),), _tests_of_unique(found[1]))
        for found in re.finditer(r"(?:op\.f\()?['\"](uq_\w+)['\"]\)?,[^\n]*unique=True", upgrade):
            yield Mutant(
                f"unique:{found[1]}",
                ((path, found[0], found[0].replace("unique=True", "unique=False")),),
                _tests_of_unique(found[1]),
            )


def _tests_of_unique(name: str) -> tuple[str, ...]:
    table = name.removeprefix("uq_").partition("_")[0]
    return ("database", *TESTS_OF_TABLES.get(table, ("tickets", "open311", "streaming")))


def _statuses() -> Iterator[Mutant]:
    """Each refusal, answered as if something had been made."""
    path = SOURCE / "web" / "problems.py"
    for line in re.findall(r"^    Code\.\w+: [45]\d\d,$", path.read_text(encoding="utf-8"), re.MULTILINE):
        code = line.strip().partition(":")[0].removeprefix("Code.").lower()
        yield Mutant(f"status:{code}", ((path, line, re.sub(r"\d+,$", "201,", line)),), ("web/test_refusals.py", "web"))


def _single() -> Iterator[Mutant]:
    """Those that stand in one place."""
    core, journal = SOURCE / "console/static/core.js", SOURCE / "database/journal.py"
    handover, app = SOURCE / "delivery/handover.py", SOURCE / "console/app.py"
    serializer = SOURCE / "open311/serializer.py"
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
    )
    yield Mutant("escape:templates", ((app, "autoescape=True", "autoescape=False"),), ("console",))
    yield Mutant(
        "escape:xml",
        ((serializer, 'return escape(_ILLEGAL.sub("", str(value)))', 'return _ILLEGAL.sub("", str(value))'),),
        ("open311",),
    )
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
        ("database/test_journal.py", "tickets"),
    )
    yield Mutant(
        "sent:marked before",
        (
            (
                handover,
                "        try:\n            await send()\n",
                "        try:\n            await self.batcher.write(lambda c: outbox_store.mark_sent(c, m.id, token))\n"
                "            await send()\n",
            ),
        ),
        ("delivery",),
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


def run(mutant: Mutant, copy: Path) -> str:
    """killed, survived, or what went wrong. `copy`: a whole project, left as it was."""
    try:
        for path, before, after in mutant.changes:
            there = copy / path.relative_to(ROOT)
            text = there.read_text(encoding="utf-8")
            if text.count(before) != 1:
                return "not applied"
            there.write_text(text.replace(before, after), encoding="utf-8")
        tests = [f"tests/{each}" for each in dict.fromkeys(mutant.tests)]
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-k", "not postgres", *tests]
        environment = {**os.environ, "PYTHONPATH": str(copy / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, timeout=SECONDS, check=False)  # noqa: S603
        return {0: "survived", 1: "killed", 2: "killed"}.get(done.returncode, f"no answer: {done.returncode}")
    except subprocess.TimeoutExpired:
        return "killed"  # what hangs is noticed
    finally:
        for path, _, _ in mutant.changes:
            shutil.copyfile(path, copy / path.relative_to(ROOT))


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
    given = parser.parse_args(arguments)
    chosen = [m for m in mutants() if given.kind in (None, m.kind, m.name)]
    if given.list:
        print(*(m.name for m in chosen), sep="\n")
        return 0
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
