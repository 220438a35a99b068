"""Whether the process is alive and ready, as replies show it."""

from typing import Literal

from hotline.operations.readiness import ReadyChecks
from hotline.replies import reply_type


@reply_type()
class Health:
    status: Literal["ok"]


@reply_type()
class Ready:
    """Whether the process can do its work, and what was checked."""

    ready: bool
    checks: ReadyChecks
