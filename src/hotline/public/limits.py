"""What a process counts in memory of residents' forms, before it asks the database."""

from dataclasses import dataclass, field

from hotline.public.proofs import ChallengeCounts
from hotline.web.limits import AddressBudget


@dataclass
class FormLimits:
    """Forms sent and challenges asked for within the minute."""

    forms: AddressBudget = field(default_factory=AddressBudget)
    challenges: ChallengeCounts = field(default_factory=ChallengeCounts)
