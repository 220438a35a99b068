"""A query parameter that an operation does not have is refused by name: made from the published document, over every
operation that reads."""

import re
from typing import Any

from hotline.application import build_app
from hotline.openapi import api_routes
from hotline.organisation.dependencies import AuthenticatedRoute, has_strict_query
from tests.conftest import Cast, Player, broken
from tests.contract.replies import operations

READING = {path: operation for (method, path), operation in operations().items() if method == "get"}
OWN = sorted(path for path in READING if path.startswith("/v1/") and not path.startswith("/v1/hooks/"))
OF_OTHERS = sorted(set(READING) - set(OWN))
# who asks, of those an operation is for
ASKS = {
    "supervisor": "watch", "operator": "desk", "dispatcher": "switch", "handler": "lifts", "auditor": "committee",
    "admin": "boss", "gateway": "gate", "resident": "desk",
}  # fmt: skip


def _asked(path: str) -> str:
    return re.sub(r"\{\w+\}", "1", path)


def _nobody() -> Any:
    raise AssertionError("the routes are read, and nothing is served")


def test_every_operation_that_reads_takes_the_parameters_that_it_publishes() -> None:
    routes = {r.path: r for r in api_routes(build_app(_nobody)) if "GET" in r.methods and r.include_in_schema}
    assert OWN and set(OWN) <= routes.keys()
    for path in OWN:
        route = routes[path]
        assert isinstance(route, AuthenticatedRoute) and has_strict_query(route), path
        published = {p["name"] for p in READING[path].get("parameters", ()) if p["in"] == "query"}
        assert route.query_names == published, path


async def test_a_parameter_that_an_operation_does_not_have_is_refused_by_name(cast: Cast) -> None:
    """Without it a misspelt filter would silently show everything."""
    for path in OWN:
        roles = READING[path]["x-authz"]["roles"] or ["operator"]
        player = await cast(next(name for role, name in ASKS.items() if role in roles))
        refused = await player.get(f"{_asked(path)}?statuss=closed&shade=red")
        assert refused.status_code == 422, f"{path}: {refused.text}"
        assert refused.headers["content-type"] == "application/problem+json", path
        assert broken(refused.json()) == [("statuss", "unknown parameter"), ("shade", "unknown parameter")], path


async def test_a_name_that_nobody_misspells_is_not_repeated(desk: Player) -> None:
    for name in ("x" * 5000, "%00%3Cscript%3E", "状态"):
        refused = await desk.get(f"/v1/tickets?{name}=1")
        assert refused.status_code == 422
        assert broken(refused.json()) == [("query", "unknown parameter")], name[:9]


async def test_who_may_not_ask_is_told_that_before_what_is_misspelt(desk: Player, lifts: Player) -> None:
    assert (await lifts.get("/v1/audit?persn=li")).status_code == 403
    stranger = {"authorization": "Bearer nobody"}
    assert (await desk.http.get("/v1/tickets?statuss=closed", headers=stranger)).status_code == 401


async def test_what_others_ask_by_contracts_of_their_own_ignores_what_it_does_not_know(watch: Player) -> None:
    """Open311 says so; providers, scrapers and load balancers add parameters of their own."""
    assert any(path.startswith("/v1/hooks/") for path in OF_OTHERS)
    for path in (_asked(path.replace("{format}", "json")) for path in OF_OTHERS):
        plain, with_more = await watch.get(path), await watch.get(f"{path}?cachebuster=1")
        assert with_more.status_code == plain.status_code, f"{path}: {with_more.text}"
