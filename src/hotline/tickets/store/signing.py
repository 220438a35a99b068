"""When orders were signed for, as their timelines tell it."""

from datetime import datetime

import sqlalchemy as sa

from hotline.database.columns import in_words
from hotline.organisation.model.actors import ActorKind
from hotline.tickets.model.vocabulary import SIGNS, Action, AssignmentStatus
from hotline.tickets.tables import assignment as a
from hotline.tickets.tables import timeline

_step, _undo, _later = timeline.alias("step"), timeline.alias("undone"), timeline.alias("later")
_next_seq = (
    sa.select(sa.func.min(_later.c.seq))
    .where(_later.c.number == _step.c.number, _later.c.assignment == _step.c.assignment, _later.c.seq > _step.c.seq)
    .correlate(_step)
    .scalar_subquery()
)
_taken_back = (
    sa.select(sa.literal(1))
    .where(
        _undo.c.number == _step.c.number,
        _undo.c.seq == _next_seq,
        in_words(_undo.c.action, (Action.UNDO,)),
        in_words(_undo.c.status_to, (AssignmentStatus.ACCEPTED,)),
    )
    .correlate(_step)
    .exists()
)
_signs = sa.and_(
    in_words(_step.c.action, tuple(sorted(SIGNS))),
    in_words(_step.c.by_kind, (ActorKind.PERSON, ActorKind.KEY)),
    sa.not_(sa.and_(in_words(_step.c.action, (Action.REPORT,)), _taken_back)),
)


def sign_from_timeline(db: sa.Connection, since: datetime) -> int:
    """Fill in when an order was signed for, where a process of an older version wrote the step since then and left it
    empty. How many."""
    lately = sa.select(_step.c.number, _step.c.assignment).where(
        _step.c.at >= since, _step.c.assignment.is_not(None), _signs
    )
    first = (
        sa.select(sa.func.min(_step.c.at))
        .where(_step.c.number == a.c.number, _step.c.assignment == a.c.id, _signs)
        .correlate(a)
        .scalar_subquery()
    )
    fill = (
        sa.update(a)
        .where(a.c.signed_at.is_(None), a.c.accepted_at.is_not(None), sa.tuple_(a.c.number, a.c.id).in_(lately))
        .values(signed_at=first)
    )
    return db.execute(fill).rowcount
