"""What a docstring names, there is."""

import ast
import re
from collections.abc import Iterator

from tests.contract.source import MODULES, SOURCE, trees

DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
SNAKE_CASE = re.compile(r"_*[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)+")
CAMEL_CASE = re.compile(r"_*(?:[A-Z][a-z0-9]+){2,}")


def _docstring_of(node: ast.AST) -> ast.Constant | None:
    body = node.body if isinstance(node, DOCUMENTED) else []
    first = body[0].value if body and isinstance(body[0], ast.Expr) else None
    return first if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def _named_in(docstring: str) -> Iterator[str]:
    """The identifiers between backticks, also of a dotted name or a call; plain words are none of them."""
    for told in re.findall(r"`([\w.]+(?:\([\w., =*]*\))?)`", docstring):
        yield from (
            word for word in re.findall(r"\w+", told) if SNAKE_CASE.fullmatch(word) or CAMEL_CASE.fullmatch(word)
        )


def _defined_in(tree: ast.Module) -> Iterator[str]:
    """Every name, attribute, parameter and keyword of a module, and the words of its strings: columns, fields, SQL."""
    docstrings = {id(_docstring_of(node)) for node in ast.walk(tree)}
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.keyword(arg=str(name)) | ast.alias(name=name):
                yield from name.split(".")
            case ast.Constant(value=str(text)) if id(node) not in docstrings:
                yield from re.findall(r"\w+", text)


def test_what_a_docstring_names_is_there() -> None:
    known = {word for tree in trees().values() for word in _defined_in(tree)}
    known |= {part for path in MODULES.values() for part in path.relative_to(SOURCE.parent).with_suffix("").parts}
    known |= {f"HOTLINE_{name.upper()}" for name in known}
    named = [
        (MODULES[module].relative_to(SOURCE).as_posix(), name)
        for module, tree in trees().items()
        for node in ast.walk(tree)
        if (docstring := _docstring_of(node)) is not None
        for name in _named_in(str(docstring.value))
    ]
    assert len(named) > 80, "the reader of docstrings has lost its way"
    gone = sorted({f"{path}: {name}" for path, name in named if name not in known})
    assert not gone, "\n".join(gone)
