"""Time: clocks and what they told; who sent an order and how often its return was refused; limits become policies."""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

from hotline.database import columns

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

METRICS = ("dispatch", "resolve", "info", "review", "call_back", "silence", "accept", "contact", "report", "ruling", "extension", "audit")
OLD_ACTIONS = (
    "receive", "triage", "request_info", "provide_info", "answer", "decline", "void", "withdraw", "merge", "dispatch", "confirm", "call_back",
    "explain", "reopen", "shelve", "unshelve", "comment", "urge", "supervise", "set_confidential", "amend", "add_call", "absorb", "attach", "reveal",
    "escalate", "accept", "auto_accept", "request_return", "approve_return", "refuse_return", "request_extension", "approve_extension",
    "refuse_extension", "contact_caller", "assist", "report", "accept_report", "reject_report", "recall",
)
NEW_ACTIONS = ("resume", "reckon", "claim", "assign")


def _words(column: str, words: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(w) for w in words)})"


def _actions(words: tuple[str, ...]) -> None:
    """The words of a CHECK: SQLite builds the table anew, PostgreSQL reads it once to see that they hold."""
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table("timeline", recreate="always") as batch:
            batch.drop_constraint(op.f("ck_timeline_action_word"), type_="check")
            batch.create_check_constraint(op.f("ck_timeline_action_word"), _words("action", words))
        return
    op.drop_constraint(op.f("ck_timeline_action_word"), "timeline", type_="check")
    op.execute(f"ALTER TABLE timeline ADD CONSTRAINT ck_timeline_action_word CHECK ({_words('action', words)}) NOT VALID")
    op.execute("ALTER TABLE timeline VALIDATE CONSTRAINT ck_timeline_action_word")


def upgrade() -> None:
    op.add_column("assignment", sa.Column("refused", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("assignment", sa.Column("issued_by", sa.String(length=60), nullable=True))
    _actions((*OLD_ACTIONS, *NEW_ACTIONS))
    op.create_table(
        "clock",
        sa.Column("number", sa.String(length=14), nullable=False),
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("assignment", sa.String(length=20), nullable=True),
        sa.Column("metric", sa.String(length=12), nullable=False),
        sa.Column("terms", columns.Document(), nullable=False),
        sa.Column("marks", columns.Document(), nullable=False),
        sa.Column("calendar", sa.String(length=40), nullable=False),
        sa.Column("calendar_version", sa.Integer(), nullable=False),
        sa.Column("started_at", columns.Instant(), nullable=False),
        sa.Column("due_at", columns.Instant(), nullable=True),
        sa.Column("first_due_at", columns.Instant(), nullable=True),
        sa.Column("limit_at", columns.Instant(), nullable=True),
        sa.Column("paused_at", columns.Instant(), nullable=True),
        sa.Column("consumed", sa.BigInteger(), nullable=False),
        sa.Column("stopped_at", columns.Instant(), nullable=True),
        sa.Column("breached_at", columns.Instant(), nullable=True),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("next_level", sa.Integer(), nullable=True),
        sa.Column("next_step", sa.Integer(), nullable=True),
        sa.Column("next_at", columns.Instant(), nullable=True),
        sa.Column("lease_until", columns.Instant(), nullable=True),
        sa.Column("lease_token", sa.String(length=36), nullable=True),
        sa.CheckConstraint(_words("metric", METRICS), name=op.f("ck_clock_metric_word")),
        sa.ForeignKeyConstraint(["number"], ["ticket.number"], name=op.f("fk_clock_number_ticket")),
        sa.PrimaryKeyConstraint("number", "id", name=op.f("pk_clock")),
    )
    for name, keys, where in (
        ("ix_clock_due", ["next_at", "id"], "next_at IS NOT NULL"),
        ("ix_clock_stuck", ["number"], "next_at IS NULL AND stopped_at IS NULL AND paused_at IS NULL AND metric <> 'report'"),
        ("ix_clock_calendar", ["calendar", "calendar_version"], "stopped_at IS NULL"),
    ):
        op.create_index(name, "clock", keys, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
    op.create_table(
        "escalation",
        sa.Column("clock", sa.String(length=48), nullable=False),
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.String(length=14), nullable=False),
        sa.Column("assignment", sa.String(length=20), nullable=True),
        sa.Column("metric", sa.String(length=12), nullable=False),
        sa.Column("colour", sa.String(length=8), nullable=False),
        sa.Column("told", columns.Document(), nullable=False),
        sa.Column("due_at", columns.Instant(), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.CheckConstraint(_words("metric", METRICS), name=op.f("ck_escalation_metric_word")),
        sa.CheckConstraint(_words("colour", ("blue", "yellow", "red")), name=op.f("ck_escalation_colour_word")),
        sa.ForeignKeyConstraint(["number"], ["ticket.number"], name=op.f("fk_escalation_number_ticket")),
        sa.PrimaryKeyConstraint("clock", "level", name=op.f("pk_escalation")),
    )
    op.create_index(op.f("ix_escalation_number"), "escalation", ["number"])
    _to_policies()


def downgrade() -> None:
    _to_limits()
    op.drop_table("escalation")
    op.drop_table("clock")
    # history is kept: what the older code has no word for it reads as a comment
    replaced = op.get_bind().exec_driver_sql(
        f"UPDATE timeline SET action = 'comment' WHERE action IN ({', '.join(repr(w) for w in NEW_ACTIONS)})"
    )
    op.get_context().config.attributes["lost_values"]["timeline.action"] += replaced.rowcount
    _actions(OLD_ACTIONS)
    with op.batch_alter_table("assignment") as batch:
        batch.drop_column("issued_by")
        batch.drop_column("refused")


directory = sa.table("directory", sa.column("noun"), sa.column("code"), sa.column("body", columns.Document()), sa.column("version", sa.Integer))
log = sa.table(
    "directory_log", sa.column("version", sa.Integer), sa.column("place", sa.Integer), sa.column("noun"), sa.column("code"),
    sa.column("before", columns.Document()), sa.column("after", columns.Document()), sa.column("at", columns.Instant()),
    sa.column("by_id"), sa.column("by_name"),
)


def _rows(noun: str) -> list[tuple[str, Mapping[str, Any]]]:
    found = op.get_bind().execute(sa.select(directory.c.code, directory.c.body).where(directory.c.noun == noun)).all()
    return [(code, body if isinstance(body, dict) else json.loads(body)) for code, body in found]


def _write(changes: list[tuple[str, str, Any, Any]]) -> None:
    bind = op.get_bind()
    at, version = bind.execute(sa.select(sa.func.max(log.c.at), sa.func.max(log.c.version))).one()
    for place, (noun, code, before, after) in enumerate(changes):
        bind.execute(sa.delete(directory).where(directory.c.noun == noun, directory.c.code == code))
        if after is not None:
            bind.execute(sa.insert(directory).values(noun=noun, code=code, body=after, version=version + 1))
        bind.execute(sa.insert(log).values(
            version=version + 1, place=place, noun=noun, code=code, before=before, after=after, at=columns.parse_instant(at),
            by_id="migration", by_name=f"migration {revision}",
        ))


def _span(amount: float, unit: str) -> str:
    return f"{max(1, round(amount)) if unit.endswith('days') else round(float(amount), 4):g} {unit}"


def _to_policies() -> None:
    """A limit said how long to accept and to close. What a policy says beside that begins as the house rules have it."""
    changes: list[tuple[str, str, Any, Any]] = []
    for code, old in _rows("limits"):
        accept, close = _span(old["accept"], old["accept_unit"]), _span(old["close"], old["close_unit"])
        urgent = old["close_unit"] == "calendar_hours"
        policy = {
            "code": code, "source": old["source"], "kind": old.get("kind", "*"), "priority": old.get("priority", "*"),
            "category": old.get("category", "*"), "dispatch": accept if urgent else "4 working_hours", "accept": accept,
            "contact": accept if urgent else "1 working_days", "resolve": close, "outer": "caps" if urgent else "governs",
        }
        changes += [("limits", code, old, None), ("policies", code, None, policy)]
    if changes:
        _write(changes)


def _to_limits() -> None:
    kept = {code: body for code, body in _rows("policies")}
    changes: list[tuple[str, str, Any, Any]] = [(n, c, b, None) for n in ("ladders", "rosters") for c, b in _rows(n)]
    for code, policy in kept.items():
        changes.append(("policies", code, policy, None))
        if policy.get("area", "*") != "*":
            continue  # limits knew no areas
        spans = {}
        for name, text in (("accept", policy["accept"]), ("close", policy["resolve"])):
            number, _, unit = text.partition(" ")
            hours, _, minutes = number.partition(":")
            spans |= {name: round(int(hours) + int(minutes) / 60, 4) if minutes else float(number), f"{name}_unit": unit}
        selectors = {k: policy.get(k, "*") for k in ("kind", "priority", "category")}
        changes.append(("limits", code, None, {"code": code, "source": policy["source"], **selectors, **spans}))
    # of what the newer code adds to an item, the older knows nothing
    for noun, added in (("calendars", ("weekday_hours", "names", "exceptions", "always", "counting", "day_ends")), ("house", ("committee",)),
                        ("departments", ("head", "auto_assign"))):  # fmt: skip
        for code, body in _rows(noun):
            older = {k: v for k, v in body.items() if k not in added}
            if noun == "calendars" and not older.get("hours"):
                older = {**older, "hours": ["00:00-24:00"], "workdays": [0, 1, 2, 3, 4, 5, 6]}
            if older != body:
                changes.append((noun, code, body, older))
    if changes:
        _write(changes)
