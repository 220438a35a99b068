"""Secrets are compared in constant time: nowhere in the source is one compared with `==`."""

import ast
import re
from collections import Counter
from collections.abc import Iterator

from tests.conftest import ROOT
from tests.contract.source import tree_of

SECRET = re.compile(
    r"(?:^|_)(?:secret|token|password|passwd|signature|digest|hash|hashed|hmac|mac|fingerprint|credential|csrf|otp|totp|"
    r"recovery_code|query_code|api_key|nonce)s?(?:$|_)"
)
# compared with what is no secret, or nothing that a caller sent; by module and line of source
ALLOWED = {
    "organisation/service/own_password.py": {"change.new == change.old"},  # both were sent by who asks
    "organisation/service/sessions.py": {"row.hash == current"},  # marks one's own session in one's own list
    "learning/in_use.py": {"hash_arrays(arrays) != row.hash"},  # a checksum of our own model
    "reporting/rollups.py": {"_lock_fold_mark(c).token == token"},  # of a lease, from our own row
    "secrets/secret_box.py": {"sealed_by != secret_id(each)"},  # names a secret, opens nothing
    "web/paging.py": {"mark != _query_digest(query_key)"},  # of a query, inside what was verified before
    "database/sealing.py": {"self._secret == other._secret"},  # of two engines of one process
    "organisation/store/sessions.py": {"s.c.hash != keep"},  # SQL: found by its key
}
HASHES_OF_HISTORY = "audit/verification.py"  # of what auditors may read; they keep nothing out
SQL = re.compile(r"(?:^|\.)c\.|sa\.|bindparam|func\.")


# where secrets are compared, by module: one that is compared otherwise from then on is missing here, whatever its names
COMPARED = {
    "audit/checkpoints.py": 1,
    "database/sealing.py": 1,
    "inbound/signatures.py": 1,
    "inbound/spool.py": 1,
    "oidc/id_token.py": 1,
    "oidc/service.py": 1,
    "organisation/model/second_factors.py": 1,
    "organisation/service/accounts.py": 2,
    "organisation/service/duty_feeds.py": 2,
    "server_secret.py": 1,
    "tickets/lookup.py": 1,
    "web/idempotency.py": 1,
}


def names(node: ast.expr) -> Iterator[str]:
    """The last names of what is compared: `row.hash` is `hash`, `headers["x-signature"]` is `x_signature`."""
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        if not node.attr.isupper():  # a word of a vocabulary
            yield node.attr
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        yield node.slice.value.replace("-", "_")
    elif isinstance(node, ast.Call):
        yield from names(node.func)
        for argument in node.args:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield argument.value.replace("-", "_")
    elif isinstance(node, ast.Await):
        yield from names(node.value)


def comparisons(tree: ast.AST) -> Iterator[str]:
    """The comparisons by `==`, `!=`, `in` and `not in` in which something is called like a secret; not of what is
    constant, nor of lengths and SQL columns."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        if not any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops) or any(
            isinstance(side, ast.Constant) for side in sides
        ):
            continue
        if any(SECRET.search(name.lower()) for side in sides for name in names(side)):
            yield ast.unparse(node)


def test_no_secret_is_compared_with_equals() -> None:
    found = {}
    for path in sorted((ROOT / "src/hotline").rglob("*.py")):
        place = str(path.relative_to(ROOT / "src/hotline"))
        wrong = {text for text in comparisons(tree_of(path)) if not SQL.search(text)} - ALLOWED.get(place, set())
        if wrong and place != HASHES_OF_HISTORY:
            found[place] = wrong
    assert found == {}, "compare secrets with hmac.compare_digest"


def test_every_place_that_compares_secrets_still_takes_constant_time() -> None:
    found: Counter[str] = Counter()
    for path in (ROOT / "src/hotline").rglob("*.py"):
        calls = [node.func for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call)]
        known = [getattr(called, "attr", getattr(called, "id", "")) == "compare_digest" for called in calls]
        found[str(path.relative_to(ROOT / "src/hotline"))] += sum(known)
    assert +found == COMPARED, "a comparison was added or taken away: see that it is `hmac.compare_digest`"


def test_a_comparison_of_a_secret_is_noticed() -> None:
    for text in (
        "token == given",
        "given != row.hash",
        'request.headers["x-signature"] == made',
        'request.headers.get("x-signature") == made',
        "sign(body).hexdigest() == signature",
        "keyed_hash(services, given) == row.hash",
    ):
        assert list(comparisons(ast.parse(text))), text
    for text in ("token is None", 'token_type == "Bearer"', "len(token) == 3", "kind == Kind.TOKEN"):
        assert not list(comparisons(ast.parse(text))), text
