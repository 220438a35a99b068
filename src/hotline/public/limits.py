"""What a process counts in memory of residents' forms, before it asks the database."""

import asyncio
from dataclasses import dataclass, field

from hotline.public.proofs import ChallengeCounts
from hotline.web.limits import AddressBudget


@dataclass
class FormLimits:
    """Forms sent and challenges asked for within the minute. `reading`: of all photos that were sent, so many are in
    memory at once."""

    forms: AddressBudget = field(default_factory=AddressBudget)
    challenges: ChallengeCounts = field(default_factory=ChallengeCounts)
    reading: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(4))
