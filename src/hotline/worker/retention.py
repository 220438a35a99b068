"""What time takes away: answers of old keys, ended sessions, messages nobody came for; and the nightly look at the
counters."""

from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from hotline.database import idempotency
from hotline.database.identifiers import reference
from hotline.delivery import attempts
from hotline.delivery import store as outbox_store
from hotline.delivery.alarms import alarm
from hotline.inbound import store as inbound_store
from hotline.locales import bilingual
from hotline.organisation.service import logging_in
from hotline.organisation.store import people
from hotline.reporting import rollups
from hotline.reporting.service import exports
from hotline.reporting.service.figures import drift
from hotline.sms import store as sms_store
from hotline.streaming import store as streaming_store
from hotline.streaming.service import KEEP
from hotline.telephony import store as call_store
from hotline.telephony.service import EVENTS
from hotline.tickets.context import Services
from hotline.tickets.lookup import OF_TICKET
from hotline.tickets.store import counters
from hotline.web import throttle_store
from hotline.worker.outbox import EXPIRES

# what came in, what went out and each try of it: longer than the five months the regulator asks for
TRIES = timedelta(days=180)
ANSWERS = timedelta(hours=72)  # what the README promises for an Idempotency-Key
AT_ONCE = 500
log = structlog.get_logger("hotline.retention")


async def tidy(services: Services, now: datetime) -> dict[str, int]:
    """Delete what is past its time, in small pieces; how much of each."""
    folded = int((await rollups.mark(services.db) or {}).get("position", 0))  # what the figures have not taken up stays
    return {
        "exports": await exports.tidy(services, now),
        "stream": await services.db.transact(lambda c: streaming_store.forget(c, now - KEEP, folded, AT_ONCE)),
        "answers": await services.db.transact(lambda c: idempotency.forget(c, now - ANSWERS, AT_ONCE)),
        "sessions": await services.db.transact(lambda c: people.forget_sessions(c, now)),
        "expired": await services.db.transact(lambda c: _expire(c, now)),
        "buried": await services.db.transact(lambda c: outbox_store.bury(c)),
        "ahead": await services.db.transact(lambda c: outbox_store.pull_back(c) + inbound_store.pull_back(c)),
        "events": await services.db.transact(lambda c: call_store.forget_events(c, now - EVENTS, AT_ONCE)),
        "recordings": await services.db.transact(lambda c: call_store.forget_recordings(c, now, AT_ONCE)),
        "texts": await services.db.transact(lambda c: sms_store.forget_texts(c, now - TRIES, AT_ONCE)),
        "inbound": await services.db.transact(lambda c: inbound_store.forget(c, reference(now - TRIES), AT_ONCE)),
        "tries": await services.db.transact(lambda c: attempts.forget(c, now - TRIES, AT_ONCE)),
        "throttles": await services.db.transact(
            lambda c: throttle_store.forget(c, now - OF_TICKET.window, now - logging_in.KNOWN)
        ),
    }


def _expire(c: sa.Connection, now: datetime) -> int:
    """Messages nobody came for are given up, and operators hear of it."""
    count = outbox_store.expire(c, now - EXPIRES)
    if count:
        log.warning("outbox.expired", count=count)
        alarm(c, "expired", bilingual("alarm.expired"), now)
    return count


async def check_counters(services: Services) -> int:
    """Compare the counters with the truth; how many differ. Reported, not mended: a difference is a defect to be
    found."""
    drift = await counters.drift(services.db)
    for key, (counted, true) in list(drift.items())[:20]:
        log.error("counters.drift", noun=key[0], place=key[1], status=key[2], counted=counted, true=true)
    return len(drift)


async def check_figures(services: Services, now: datetime) -> int:
    """Compare the rollups with everything counted anew; how many differ. Reported, not mended."""
    found = await drift(services, now)
    for key, (kept, true) in list(found.items())[:20]:
        log.error("figures.drift", dimension=key[0], day=key[1], code=key[2], kept=kept, true=true)
    return len(found)
