"""How often a text is tried, how long a report waits for its text and a part for the others, and when quiet hours are
looked at again."""

from datetime import timedelta

from hotline.delivery.model import RetryPolicy

TEXT_RETRIES = RetryPolicy(48, (5, 60, 300))  # about four hours
CAP_RECHECK = timedelta(minutes=2)
QUIET_RECHECK = timedelta(minutes=15)  # in quiet hours: a matter may have become an emergency since
REPORT_WAIT = timedelta(hours=24)  # how long a report waits for its text
PARTS_TIMEOUT = timedelta(seconds=60)  # how long the first part of a text waits for the others
URGENT_PARTS_TIMEOUT = timedelta(seconds=5)  # the same where a part holds a danger word
