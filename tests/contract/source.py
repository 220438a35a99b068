"""The product's source, for tests that read it. Parsed when a test first asks, once in a test process: every process
collects every test."""

import ast
from functools import cache
from pathlib import Path

import hotline

SOURCE = Path(hotline.__file__).parent
MODULES = {
    ".".join(("hotline", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(SOURCE.rglob("*.py"))
}


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def trees() -> dict[str, ast.Module]:
    """Module -> its tree."""
    return {name: tree_of(path) for name, path in MODULES.items()}
