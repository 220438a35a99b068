"""How texts are set."""

from dataclasses import dataclass
from datetime import time

from hotline.sms.model.templates import QUIET_FROM, QUIET_TO


@dataclass(frozen=True, slots=True)
class QuietHours:
    """When residents get no text, by the local clock."""

    begin: time = QUIET_FROM
    end: time = QUIET_TO
