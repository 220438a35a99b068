"""Alerts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hotline.runtime.capability import Capability

if TYPE_CHECKING:
    from fastapi import APIRouter


def _routers() -> Sequence[APIRouter]:
    from hotline.alerts import routes

    return (routes.router,)


ALERTS = Capability(name="alerts", routers=_routers)
