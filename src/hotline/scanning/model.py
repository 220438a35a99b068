"""What is known of a file: the words of its state, and when a scan is tried again."""

from datetime import timedelta
from enum import StrEnum

FIRST_DELAY = timedelta(seconds=5)
LONGEST_DELAY = timedelta(minutes=5)
MOST_REFUSALS = 3  # times that a scanner may say it cannot judge a file


class ScanState(StrEnum):
    """`failed`: the scanner cannot judge the file. Only a clean file is handed out."""

    WAITING = "waiting"
    CLEAN = "clean"
    INFECTED = "infected"
    FAILED = "failed"


def retry_delay(attempts: int) -> timedelta:
    """How long to wait after that many tries."""
    doublings = 1 << min(attempts, 10)
    return min(FIRST_DELAY * doublings, LONGEST_DELAY)
