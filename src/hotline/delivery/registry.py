"""Finds providers, and imports each when it is first asked for. Ours are the modules of four packages, one file each;
those of other installed packages are entry points. The module's or entry point's name is the one that gateways are
added with."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pkgutil import iter_modules
from typing import TypeVar

import structlog

from hotline.delivery.model import GatewayKind
from hotline.delivery.provider import GatewayProvider
from hotline.refusals import Code, Refusal, Refused

# by kind: the entry points of other packages, and the package that holds our own files
GROUPS: Mapping[GatewayKind, tuple[str, str]] = {
    GatewayKind.SMS: ("hotline.sms_providers", "hotline.sms.providers"),
    GatewayKind.VOICE: ("hotline.exchanges", "hotline.telephony.exchanges"),
    GatewayKind.ORDERS: ("hotline.order_platforms", "hotline.partners.platforms"),
    GatewayKind.ROBOT: ("hotline.chat_robots", "hotline.alerts.robots"),
}
OWN_PACKAGE = "hotline"  # the package whose providers no other package can replace
NAME_PATTERN = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
log = structlog.get_logger("hotline.registry")
P = TypeVar("P", bound=GatewayProvider)


@cache
def installed_providers(kind: GatewayKind) -> Mapping[str, EntryPoint]:
    """The providers of a kind by name, none of them imported. Where two packages offer one name, ours wins, else the
    first that the search path has."""
    group, folder = GROUPS[kind]
    found = {point.name: point for point in _of_ours(group, folder)}
    for point in entry_points(group=group):
        if NAME_PATTERN.fullmatch(point.name) is None:
            log.warning("provider.reserved_name", group=group, name=point.name)
            continue
        found.setdefault(point.name, point)
    return found


def _of_ours(group: str, folder: str) -> Iterator[EntryPoint]:
    """A provider for each module of a package of ours."""
    for module in iter_modules(import_module(folder).__path__):
        yield EntryPoint(module.name, f"{folder}.{module.name}:PROVIDER", group)


def package_name(point: EntryPoint) -> str:
    """The name of the installed package that a provider belongs to."""
    return point.dist.name if point.dist is not None else OWN_PACKAGE


def provider_names(kind: GatewayKind) -> Sequence[str]:
    """The names of the providers of a kind, ours first."""
    points = installed_providers(kind)
    return sorted(points, key=lambda name: (package_name(points[name]) != OWN_PACKAGE, name))


def provider_kind(name: str) -> GatewayKind | None:
    """What kind of gateway a provider serves, ours first; None: no package offers that name."""
    offered = {kind: installed_providers(kind)[name] for kind in GROUPS if name in installed_providers(kind)}
    ours = [kind for kind, point in offered.items() if package_name(point) == OWN_PACKAGE]
    return next(iter([*ours, *offered]), None)


def find_provider(kind: GatewayKind, name: str, declared_type: type[P]) -> P:
    """A provider by name. Raises Refused (unavailable, so that a webhook is sent again): its package is not installed,
    cannot be imported, or declares something else than a `declared_type` of that name."""
    found = _import_provider(kind, name)
    if not isinstance(found, declared_type) or found.name != name:
        raise Refused(Refusal(Code.UNAVAILABLE, f"the package of provider {name} declares no {declared_type.__name__}"))
    return found


@cache
def _import_provider(kind: GatewayKind, name: str) -> object:
    point = installed_providers(kind).get(name)
    if point is None:
        raise Refused(Refusal(Code.UNAVAILABLE, f"no installed package has the provider {name}"))
    try:
        return point.load()
    except Exception as fault:  # of another package: it must not take the other gateways with it
        log.error(
            "provider.import_failed", name=name, package=package_name(point), fault=f"{type(fault).__name__}: {fault}"
        )
        message = f"the package of provider {name} cannot be imported: {type(fault).__name__}"
        raise Refused(Refusal(Code.UNAVAILABLE, message)) from fault


def clear_caches() -> None:
    """Look for installed packages anew."""
    installed_providers.cache_clear()
    _import_provider.cache_clear()
