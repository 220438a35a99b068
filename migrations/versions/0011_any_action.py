"""A line of the timeline takes any action. Its CHECK guarded what our own code writes from its vocabulary, and each new
action meant that SQLite built its largest table anew and PostgreSQL read it whole.

Older code reads only the actions it knows, so `oldest_code` stays as it is. The way down makes of actions that it does
not know a comment, and reports how many: the rows stay, so that counting them would not show what is lost.
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

CHECK = "ck_timeline_action_word"
OLD_ACTIONS = (
    "receive", "triage", "request_info", "provide_info", "answer", "decline", "void", "withdraw", "merge",
    "dispatch", "confirm", "call_back", "explain", "reopen", "shelve", "unshelve", "comment", "urge", "supervise",
    "set_confidential", "amend", "add_call", "absorb", "attach", "reveal", "escalate", "resume", "reckon", "accept",
    "auto_accept", "request_return", "approve_return", "refuse_return", "request_extension", "approve_extension",
    "refuse_extension", "contact_caller", "claim", "assign", "assist", "report", "accept_report", "reject_report",
    "recall",
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table("timeline", recreate="always") as batch:
            batch.drop_constraint(op.f(CHECK), type_="check")
        return
    op.drop_constraint(op.f(CHECK), "timeline", type_="check")


def downgrade() -> None:
    words = ", ".join(repr(word) for word in OLD_ACTIONS)
    rewritten = op.get_bind().exec_driver_sql(f"UPDATE timeline SET action = 'comment' WHERE action NOT IN ({words})")
    op.get_context().config.attributes["lost_values"]["timeline.action"] += rewritten.rowcount
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table("timeline", recreate="always") as batch:
            batch.create_check_constraint(op.f(CHECK), f"action IN ({words})")
        return
    op.execute(f"ALTER TABLE timeline ADD CONSTRAINT {CHECK} CHECK (action IN ({words})) NOT VALID")
    op.execute(f"ALTER TABLE timeline VALIDATE CONSTRAINT {CHECK}")
