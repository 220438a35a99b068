"""How the code is laid out: what packages show each other, and how large things may grow."""

import ast
import re
from collections import Counter
from collections.abc import Iterator

from tests.contract.source import MODULES, tree_of, trees


def imported(tree: ast.Module) -> Iterator[str]:
    """The modules of ours that a module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("hotline"):
            for name in node.names:
                whole = f"{node.module}.{name.name}"
                yield whole if whole in MODULES else node.module
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.startswith("hotline."))


def face_of(package: str) -> set[str]:
    for node in tree_of(MODULES[package]).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


def test_nobody_imports_past_the_face_of_a_package() -> None:
    past = set()
    for name, tree in trees().items():
        for target in imported(tree):
            parts = target.split(".")
            if len(parts) < 3 or name.split(".")[1:2] == parts[1:2]:
                continue
            for depth in range(2, len(parts)):
                package = ".".join(parts[:depth])
                if parts[depth] not in face_of(package):
                    past.add((name, target, f"{package} does not show {parts[depth]}"))
    assert not past


def test_a_face_shows_modules_that_are_there_and_used() -> None:
    used = {
        target
        for name, tree in trees().items()
        for target in imported(tree)
        if name.split(".")[1:2] != target.split(".")[1:2]
    }
    for package, path in MODULES.items():
        if path.name != "__init__.py" or package in ("hotline", "hotline.locales"):
            continue
        for shown in face_of(package):
            assert any(t == f"{package}.{shown}" or t.startswith(f"{package}.{shown}.") for t in used), (package, shown)


def test_what_is_sent_and_shown_is_declared_in_schemas() -> None:
    """A route takes, does and shows; the types of its bodies stand in the package's `schemas`."""
    shapes = {"Strict", "BaseModel", "TypedDict"}
    declared = [
        (name, node.name)
        for name, tree in trees().items()
        if name.split(".")[2:3] == ["routes"]
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        and (
            shapes & {base.id for base in node.bases if isinstance(base, ast.Name)}
            or "reply_type" in {getattr(getattr(d, "func", d), "id", "") for d in node.decorator_list}
        )
    ]
    assert declared == []


JSON_RENDERERS = frozenset({"dumps", "encode_json", "dump_json", "json_reply", "JSONResponse"})
# what others define: a cloud's request, the columns of a person's file, the columns somebody chose
MADE_BY_HAND = {
    ("hotline.sms.providers.tencent", "dumps"), ("hotline.importing.files", "dumps"),
    ("hotline.reporting.service.exports", "dumps"),
}  # fmt: skip
# the services that a capability brings along, by name: no reply
TYPED_DICTS = {("hotline.composition", "ServiceFields")}


def test_no_json_is_made_by_hand() -> None:
    """What is sent is of a reply type, which is its schema too: no dict is rendered where it is written down."""
    found = {
        (name, called)
        for name, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (called := getattr(node.func, "attr", getattr(node.func, "id", ""))) in JSON_RENDERERS
        and node.args
        and isinstance(node.args[0], ast.Dict | ast.DictComp)
    }
    assert found == MADE_BY_HAND


def test_no_reply_is_a_typed_dict_or_takes_any_key() -> None:
    typed = {
        (name, node.name)
        for name, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and "TypedDict" in {getattr(base, "id", "") for base in node.bases}
    }
    assert typed == TYPED_DICTS
    assert not [n for n, path in MODULES.items() if re.search(r"""extra["']?\s*[=:]\s*["']allow""", path.read_text())]


def test_a_class_name_means_one_thing() -> None:
    names = Counter(
        node.name
        for tree in trees().values()
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name[0] != "_"
    )
    assert [name for name, count in names.items() if count > 1] == []


MOST_PARAMETERS, LONGEST_FILE = 6, 500
# One route builds it: half of it is what the listener asked for, the other half what the server lends it.
MORE_FOR_A_CONSTRUCTOR = {("hotline.streaming.routes", "EventStream")}
# The columns of its row, in order.
MORE_FOR_A_PRIVATE_FUNCTION = {("hotline.database.batch_sqlite", "_answer_from_row")}
_ROUTES = frozenset({"get", "post", "put", "patch", "delete", "api_route", "command", "callback"})


def published(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a router or the command line calls it: its parameters are then what a client or a person may give."""
    calls = (d.func for d in function.decorator_list if isinstance(d, ast.Call))
    return any(isinstance(call, ast.Attribute) and call.attr in _ROUTES for call in calls)


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    given = (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
    return [each.arg for each in given if each.arg not in ("self", "cls")]


def test_no_public_function_takes_more_than_six_parameters() -> None:
    """More is an object without a name."""
    more = {
        (name, node.name)
        for name, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name[0] != "_"
        and not published(node)
        and len(parameters(node)) > MOST_PARAMETERS
    }
    assert more == set()


def test_no_constructor_of_a_public_class_takes_more_than_six_parameters() -> None:
    more = {
        (name, built.name)
        for name, tree in trees().items()
        for built in ast.walk(tree)
        if isinstance(built, ast.ClassDef) and built.name[0] != "_"
        for node in built.body
        if isinstance(node, ast.FunctionDef) and node.name == "__init__" and len(parameters(node)) > MOST_PARAMETERS
    }
    assert more == MORE_FOR_A_CONSTRUCTOR


def test_no_private_function_takes_more_than_six_parameters() -> None:
    """Constructors of private classes too."""
    private_classes = {
        (name, method)
        for name, tree in trees().items()
        for built in ast.walk(tree)
        if isinstance(built, ast.ClassDef) and built.name[0] == "_"
        for method in built.body
        if isinstance(method, ast.FunctionDef) and method.name == "__init__"
    }
    private_functions = {
        (name, node)
        for name, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name[0] == "_" and node.name[:2] != "__"
    }
    more = {
        (name, node.name)
        for name, node in private_classes | private_functions
        if not published(node) and len(parameters(node)) > MOST_PARAMETERS
    }
    assert more == MORE_FOR_A_PRIVATE_FUNCTION


def test_no_file_is_longer_than_a_reader_holds() -> None:
    longer = {name for name, path in MODULES.items() if path.read_bytes().count(b"\n") > LONGEST_FILE}
    assert longer == set()
