"""Review of inbound items that wait for a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hotline.runtime.capability import Capability

if TYPE_CHECKING:
    from fastapi import APIRouter


def _routers() -> Sequence[APIRouter]:
    from hotline.review import routes

    return (routes.router,)


REVIEW = Capability(name="review", routers=_routers)
