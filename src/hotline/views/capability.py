"""Saved views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hotline.runtime.capability import Capability

if TYPE_CHECKING:
    from fastapi import APIRouter


def _routers() -> Sequence[APIRouter]:
    from hotline.views import routes

    return (routes.router,)


VIEWS = Capability(name="views", routers=_routers)
