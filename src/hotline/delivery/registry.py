"""Finds providers: each is an entry point of an installed package, ours among them, and is imported when it is first
asked for. The name of the entry point is the name that gateways are added with."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TypeVar

import structlog

from hotline.delivery.model import GatewayKind
from hotline.delivery.provider import GatewayProvider
from hotline.refusals import Code, Refusal, Refused

GROUPS: Mapping[GatewayKind, str] = {
    GatewayKind.SMS: "hotline.sms_providers",
    GatewayKind.VOICE: "hotline.exchanges",
    GatewayKind.ORDERS: "hotline.order_platforms",
}
OWN = "hotline"  # the package whose providers no other package can replace
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
log = structlog.get_logger("hotline.registry")
P = TypeVar("P", bound=GatewayProvider)


@cache
def installed(kind: GatewayKind) -> Mapping[str, EntryPoint]:
    """The providers of a kind by name, none of them imported. Where two packages offer one name, ours wins, else the
    first that the search path has. Raises Refused: even ours are missing."""
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUPS[kind]):
        if NAME.fullmatch(point.name) is None:
            log.warning("provider.reserved_name", group=GROUPS[kind], name=point.name)
            continue
        if point.name not in found or package_of(point) == OWN:
            found[point.name] = point
    if OWN not in map(package_of, found.values()):  # an editable installation older than its pyproject.toml
        raise Refused(Refusal(Code.UNAVAILABLE, "the package's entry points are missing: install it again (`make`)"))
    return found


def package_of(point: EntryPoint) -> str:
    """The name of the package that an entry point belongs to."""
    return point.dist.name if point.dist is not None else ""


def names(kind: GatewayKind) -> Sequence[str]:
    """The names of the providers of a kind, ours first."""
    points = installed(kind)
    return sorted(points, key=lambda name: (package_of(points[name]) != OWN, name))


def kind_of(name: str) -> GatewayKind | None:
    """What kind of gateway a provider serves, ours first; None: no package offers that name."""
    offered = {kind: installed(kind)[name] for kind in GROUPS if name in installed(kind)}
    ours = [kind for kind, point in offered.items() if package_of(point) == OWN]
    return next(iter([*ours, *offered]), None)


def provider(kind: GatewayKind, name: str, shape: type[P]) -> P:
    """A provider by name. Raises Refused (unavailable, so that a push is sent again): its package is not installed,
    cannot be imported, or declares something else than a `shape` of that name."""
    found = _imported(kind, name)
    if not isinstance(found, shape) or found.name != name:
        raise Refused(Refusal(Code.UNAVAILABLE, f"the package of provider {name} declares no {shape.__name__}"))
    return found


@cache
def _imported(kind: GatewayKind, name: str) -> object:
    point = installed(kind).get(name)
    if point is None:
        raise Refused(Refusal(Code.UNAVAILABLE, f"no installed package has the provider {name}"))
    try:
        return point.load()
    except Exception as fault:  # of another package: it must not take the other gateways with it
        log.error(
            "provider.import_failed", name=name, package=package_of(point), fault=f"{type(fault).__name__}: {fault}"
        )
        says = f"the package of provider {name} cannot be imported: {type(fault).__name__}"
        raise Refused(Refusal(Code.UNAVAILABLE, says)) from fault


def forget() -> None:
    """Look for installed packages anew."""
    installed.cache_clear()
    _imported.cache_clear()
