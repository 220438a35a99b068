"""Values sealed with one secret while another takes its place."""

import ast
from pathlib import Path

import pytest

from hotline.capabilities import CAPABILITIES
from hotline.refusals import Refused
from hotline.secrets.secret_box import seal, secret_id, unseal
from hotline.server_secret import ServerSecret, accepted_secrets, digest_key, lookup_key, lookup_keys, matches_signature
from hotline.text.phones import caller_id
from hotline.web.paging import decode_cursor, encode_cursor

SOURCE = Path(__file__).parents[2] / "src" / "hotline"
SENT_OUT = {"passkey", "oidc"}  # of minutes, held by the browser: valid while their secret is accepted
OLD, NEW, NEXT = b"o" * 40, b"n" * 40, b"x" * 40


def test_what_an_earlier_secret_sealed_is_read_until_it_is_dropped() -> None:
    plain, both = seal(OLD, "gateway a", ["s"]), ServerSecret(NEW, [OLD])
    assert "." not in plain  # an older version beside this one reads it
    assert unseal(both, "gateway a", plain) == ["s"]

    anew = seal(both, "gateway a", ["s"])
    assert anew.startswith(f"{secret_id(NEW)}.")
    assert unseal(ServerSecret(NEW), "gateway a", anew) == ["s"] == unseal(ServerSecret(NEXT, [NEW]), "gateway a", anew)
    for secret, context in ((NEXT, "gateway a"), (both, "gateway b"), (ServerSecret(NEXT, [OLD]), "gateway a")):
        with pytest.raises(Refused):
            unseal(secret, context, anew)
    with pytest.raises(Refused):
        unseal(ServerSecret(NEW), "gateway a", plain)


def test_a_cursor_of_the_earlier_secret_still_marks_its_place() -> None:
    cursor, both = encode_cursor(OLD, "q", [1]), ServerSecret(NEW, [OLD])
    assert decode_cursor(both, "q", cursor) == [1] == decode_cursor(both, "q", encode_cursor(both, "q", [1]))
    with pytest.raises(Refused):
        decode_cursor(ServerSecret(NEW), "q", cursor)
    assert not matches_signature(both, b"m", b"")


def test_the_same_caller_is_found_whatever_the_secret() -> None:
    both = ServerSecret(NEW, [NEXT, OLD])
    assert lookup_key(both) == NEW  # until the one of the database is read
    both.use_stored_keys((OLD,), digest_key(OLD))
    assert caller_id("+8613800138000", both) == caller_id("+8613800138000", OLD)
    assert digest_key(both) == digest_key(OLD) != digest_key(NEW)
    both.use_stored_keys((NEXT, OLD), digest_key(OLD))
    assert lookup_keys(both) == (NEXT, OLD) and digest_key(both) == digest_key(OLD)
    assert caller_id("+8613800138000", both) == caller_id("+8613800138000", NEXT)
    assert accepted_secrets(both) == (NEW, NEXT, OLD)
    assert accepted_secrets(ServerSecret(NEW, [NEW])) == (NEW,)


def test_every_sealed_value_stands_in_a_registered_column() -> None:
    """What is sealed for a context of which no column is registered would be lost when the secret is replaced."""

    class Row(dict[str, str]):
        def __missing__(self, key: str) -> str:
            return "-"

    columns = [column for each in CAPABILITIES for column in each.sealed()]
    registered = {column.context(Row()).split()[0] for column in columns}
    sealed: dict[str, str] = {}
    for path in SOURCE.rglob("*.py"):
        text = path.read_text()
        if "secret_box import" not in text or path.name == "secret_box.py":
            continue
        tree = ast.parse(text)
        functions = {f.name: f for f in ast.walk(tree) if isinstance(f, ast.FunctionDef)}
        constants = {
            t.id: a for a in tree.body if isinstance(a, ast.Assign) for t in a.targets if isinstance(t, ast.Name)
        }
        for call in (c for c in ast.walk(tree) if isinstance(c, ast.Call)):
            if isinstance(call.func, ast.Name) and call.func.id == "seal":
                context: ast.AST = call.args[1]
                if isinstance(context, ast.Call) and isinstance(context.func, ast.Name):  # a function that names it
                    name = context.func.id
                    context = next(n for n in ast.walk(functions[name]) if isinstance(n, ast.Return))
                elif isinstance(context, ast.Name):
                    if context.id not in constants:
                        # sealed anew, for what the registered column says; sealed for minutes, and stored nowhere
                        assert path.name in ("secret_rotation.py", "sealed_state.py")
                        continue
                    context = constants[context.id]
                words = [n.value for n in ast.walk(context) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
                sealed[words[0].split()[0]] = path.name
    assert sealed
    unregistered = set(sealed) - registered - SENT_OUT
    assert not unregistered, {word: sealed[word] for word in unregistered}
    assert len({(c.table.name, c.column) for c in columns}) == len(columns)
    for column in columns:
        assert column.column in column.table.c
        assert set(column.context_columns) <= set(column.table.c.keys())
