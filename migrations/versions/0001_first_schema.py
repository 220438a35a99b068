"""The first schema: tickets, assignments, timeline, calls, outbox, answers, counters, directory, people, keys."""

import sqlalchemy as sa
from alembic import op

from hotline.database import columns

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('answer',
    sa.Column('owner', sa.String(length=60), nullable=False),
    sa.Column('key', sa.String(length=255), nullable=False),
    sa.Column('fingerprint', sa.String(length=64), nullable=False),
    sa.Column('status', sa.SmallInteger(), nullable=False),
    sa.Column('etag', sa.String(length=20), nullable=True),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('at', columns.Instant(), nullable=False),
    sa.PrimaryKeyConstraint('owner', 'key', name=op.f('pk_answer'))
    )
    op.create_index(op.f('ix_answer_at'), 'answer', ['at'], unique=False)
    op.create_table('api_key',
    sa.Column('id', sa.String(length=16), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.Column('roles', columns.Document(), nullable=False),
    sa.Column('department', sa.String(length=40), nullable=True),
    sa.Column('area', sa.String(length=40), nullable=True),
    sa.Column('created_at', columns.Instant(), nullable=False),
    sa.Column('created_by', sa.String(length=60), nullable=False),
    sa.Column('expires_at', columns.Instant(), nullable=True),
    sa.Column('revoked_at', columns.Instant(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_key'))
    )
    op.create_table('caller',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('phone', sa.String(length=20), nullable=False),
    sa.Column('name', sa.Text(), nullable=True),
    sa.Column('note', sa.Text(), nullable=True),
    sa.Column('seen_at', columns.Instant(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_caller')),
    sa.UniqueConstraint('phone', name=op.f('uq_caller_phone'))
    )
    op.create_table('counter',
    sa.Column('noun', sa.String(length=12), nullable=False),
    sa.Column('place', sa.String(length=40), nullable=False),
    sa.Column('status', sa.String(length=20), nullable=False),
    sa.Column('shard', sa.SmallInteger(), nullable=False),
    sa.Column('n', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('noun', 'place', 'status', 'shard', name=op.f('pk_counter'))
    )
    op.create_table('directory',
    sa.Column('noun', sa.String(length=16), nullable=False),
    sa.Column('code', sa.String(length=40), nullable=False),
    sa.Column('body', columns.Document(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('noun', 'code', name=op.f('pk_directory'))
    )
    op.create_table('directory_log',
    sa.Column('version', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('place', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('noun', sa.String(length=16), nullable=False),
    sa.Column('code', sa.String(length=40), nullable=False),
    sa.Column('before', columns.Document(), nullable=True),
    sa.Column('after', columns.Document(), nullable=True),
    sa.Column('at', columns.Instant(), nullable=False),
    sa.Column('by_id', sa.String(length=60), nullable=False),
    sa.Column('by_name', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('version', 'place', name=op.f('pk_directory_log'))
    )
    op.create_table('login_failure',
    sa.Column('subject', sa.String(length=100), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.Column('last_at', columns.Instant(), nullable=False),
    sa.PrimaryKeyConstraint('subject', name=op.f('pk_login_failure'))
    )
    op.create_table('outbox',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('number', sa.String(length=14), nullable=False),
    sa.Column('partition', sa.String(length=60), nullable=False),
    sa.Column('payload', columns.Document(), nullable=False),
    sa.Column('status', sa.String(length=10), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('max_attempts', sa.Integer(), nullable=False),
    sa.Column('created_at', columns.Instant(), nullable=False),
    sa.Column('next_at', columns.Instant(), nullable=False),
    sa.Column('lease_until', columns.Instant(), nullable=True),
    sa.Column('lease_token', sa.String(length=36), nullable=True),
    sa.Column('last_error', sa.Text(), nullable=True),
    sa.CheckConstraint("status IN ('queued', 'leased', 'sent', 'dead', 'expired')", name=op.f('ck_outbox_status_word')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outbox'))
    )
    op.create_index('ix_outbox_due', 'outbox', ['next_at', 'id'], unique=False, sqlite_where=sa.text("status IN ('leased', 'queued')"), postgresql_where=sa.text("status IN ('leased', 'queued')"))
    op.create_index('ix_outbox_partition_created_at_id', 'outbox', ['partition', 'created_at', 'id'], unique=False, sqlite_where=sa.text("status IN ('leased', 'queued')"), postgresql_where=sa.text("status IN ('leased', 'queued')"))
    op.create_table('person',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('login', sa.String(length=60), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('password', sa.Text(), nullable=False),
    sa.Column('roles', columns.Document(), nullable=False),
    sa.Column('department', sa.String(length=40), nullable=True),
    sa.Column('area', sa.String(length=40), nullable=True),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', columns.Instant(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_person')),
    sa.UniqueConstraint('login', name=op.f('uq_person_login'))
    )
    op.create_table('sequence',
    sa.Column('name', sa.String(length=20), nullable=False),
    sa.Column('next', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_sequence'))
    )
    op.create_table('ticket',
    sa.Column('number', sa.String(length=14), nullable=False),
    sa.Column('status', sa.String(length=16), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('channel', sa.String(length=16), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('narrative', sa.Text(), nullable=False),
    sa.Column('category', sa.String(length=40), nullable=True),
    sa.Column('priority', sa.String(length=16), nullable=False),
    sa.Column('caller', sa.String(length=36), nullable=True),
    sa.Column('phone', sa.String(length=20), nullable=True),
    sa.Column('caller_name', sa.Text(), nullable=True),
    sa.Column('contact', sa.Text(), nullable=True),
    sa.Column('confidential', sa.Boolean(), nullable=False),
    sa.Column('reply_wanted', sa.Boolean(), nullable=False),
    sa.Column('area', sa.String(length=40), nullable=True),
    sa.Column('address', sa.Text(), nullable=True),
    sa.Column('lat', sa.Float(), nullable=True),
    sa.Column('lon', sa.Float(), nullable=True),
    sa.Column('department', sa.String(length=40), nullable=True),
    sa.Column('parent', sa.String(length=14), nullable=True),
    sa.Column('outer_system', sa.String(length=40), nullable=True),
    sa.Column('outer_number', sa.String(length=80), nullable=True),
    sa.Column('outer_due_at', columns.Instant(), nullable=True),
    sa.Column('due_at', columns.Instant(), nullable=True),
    sa.Column('promised_at', columns.Instant(), nullable=True),
    sa.Column('review_at', columns.Instant(), nullable=True),
    sa.Column('public_reply', sa.Text(), nullable=True),
    sa.Column('internal_result', sa.Text(), nullable=True),
    sa.Column('cost', sa.Float(), nullable=True),
    sa.Column('funding', sa.String(length=20), nullable=True),
    sa.Column('reason_code', sa.String(length=40), nullable=True),
    sa.Column('channel_told', sa.Text(), nullable=True),
    sa.Column('satisfaction_first', sa.String(length=20), nullable=True),
    sa.Column('satisfaction_final', sa.String(length=20), nullable=True),
    sa.Column('supervised', sa.String(length=8), nullable=True),
    sa.Column('escalated', sa.String(length=8), nullable=True),
    sa.Column('flags', columns.Document(), nullable=False),
    sa.Column('urges', sa.Integer(), nullable=False),
    sa.Column('calls', sa.Integer(), nullable=False),
    sa.Column('call_backs', sa.Integer(), nullable=False),
    sa.Column('returns', sa.Integer(), nullable=False),
    sa.Column('extensions', sa.Integer(), nullable=False),
    sa.Column('reopens', sa.Integer(), nullable=False),
    sa.Column('attachments', sa.Integer(), nullable=False),
    sa.Column('returned_by', columns.Document(), nullable=False),
    sa.Column('ruled', columns.Document(), nullable=False),
    sa.Column('advice', columns.Document(), nullable=False),
    sa.Column('created_by', sa.String(length=60), nullable=True),
    sa.Column('created_at', columns.Instant(), nullable=False),
    sa.Column('updated_at', columns.Instant(), nullable=False),
    sa.Column('closed_at', columns.Instant(), nullable=True),
    sa.Column('triaged_at', columns.Instant(), nullable=True),
    sa.Column('entries', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("channel IN ('phone', 'sms', 'web', 'wechat', 'walk_in', 'grid', 'hotline', 'import')", name=op.f('ck_ticket_channel_word')),
    sa.CheckConstraint("escalated IN ('blue', 'yellow', 'red')", name=op.f('ck_ticket_escalated_word')),
    sa.CheckConstraint("kind IN ('enquiry', 'request', 'complaint', 'report', 'suggestion', 'praise')", name=op.f('ck_ticket_kind_word')),
    sa.CheckConstraint("priority IN ('emergency', 'urgent', 'normal')", name=op.f('ck_ticket_priority_word')),
    sa.CheckConstraint("satisfaction_final IN ('very_satisfied', 'satisfied', 'fair', 'dissatisfied', 'very_dissatisfied', 'no_answer')", name=op.f('ck_ticket_satisfaction_final_word')),
    sa.CheckConstraint("satisfaction_first IN ('very_satisfied', 'satisfied', 'fair', 'dissatisfied', 'very_dissatisfied', 'no_answer')", name=op.f('ck_ticket_satisfaction_first_word')),
    sa.CheckConstraint("status IN ('received', 'awaiting_info', 'triaged', 'dispatched', 'resolved', 'shelved', 'closed', 'declined', 'merged', 'withdrawn', 'void')", name=op.f('ck_ticket_status_word')),
    sa.CheckConstraint("supervised IN ('blue', 'yellow', 'red')", name=op.f('ck_ticket_supervised_word')),
    sa.ForeignKeyConstraint(['parent'], ['ticket.number'], name=op.f('fk_ticket_parent_ticket')),
    sa.PrimaryKeyConstraint('number', name=op.f('pk_ticket'))
    )
    op.create_index('ix_ticket_area_created_at_number', 'ticket', ['area', 'created_at', 'number'], unique=False)
    op.create_index('ix_ticket_caller_created_at', 'ticket', ['caller', 'created_at'], unique=False)
    op.create_index('ix_ticket_created_at_number', 'ticket', ['created_at', 'number'], unique=False)
    op.create_index('ix_ticket_parent', 'ticket', ['parent'], unique=False, sqlite_where=sa.text('parent IS NOT NULL'), postgresql_where=sa.text('parent IS NOT NULL'))
    op.create_index('ix_ticket_status_created_at_number', 'ticket', ['status', 'created_at', 'number'], unique=False)
    op.create_index('uq_ticket_outer_system_outer_number', 'ticket', ['outer_system', 'outer_number'], unique=True, sqlite_where=sa.text('outer_number IS NOT NULL'), postgresql_where=sa.text('outer_number IS NOT NULL'))
    op.create_table('assignment',
    sa.Column('id', sa.String(length=20), nullable=False),
    sa.Column('number', sa.String(length=14), nullable=False),
    sa.Column('department', sa.String(length=40), nullable=False),
    sa.Column('performer', sa.String(length=40), nullable=True),
    sa.Column('assignee', sa.String(length=60), nullable=True),
    sa.Column('part', sa.String(length=8), nullable=False),
    sa.Column('status', sa.String(length=20), nullable=False),
    sa.Column('route', sa.String(length=40), nullable=True),
    sa.Column('priority', sa.String(length=16), nullable=False),
    sa.Column('rank', sa.SmallInteger(), nullable=False),
    sa.Column('sort_at', columns.Instant(), nullable=False),
    sa.Column('issued_at', columns.Instant(), nullable=False),
    sa.Column('due_at', columns.Instant(), nullable=True),
    sa.Column('first_due_at', columns.Instant(), nullable=True),
    sa.Column('accept_by', columns.Instant(), nullable=True),
    sa.Column('accepted_at', columns.Instant(), nullable=True),
    sa.Column('contacted_at', columns.Instant(), nullable=True),
    sa.Column('reported_at', columns.Instant(), nullable=True),
    sa.Column('closed_at', columns.Instant(), nullable=True),
    sa.Column('ruled', sa.Boolean(), nullable=False),
    sa.Column('overdue', sa.Boolean(), nullable=False),
    sa.Column('return_reason', sa.String(length=40), nullable=True),
    sa.Column('return_basis', sa.Text(), nullable=True),
    sa.Column('suggested', sa.String(length=40), nullable=True),
    sa.Column('asked_due_at', columns.Instant(), nullable=True),
    sa.Column('extensions', sa.Integer(), nullable=False),
    sa.Column('redos', sa.Integer(), nullable=False),
    sa.Column('result', columns.Document(), nullable=True),
    sa.CheckConstraint("part IN ('lead', 'assist')", name=op.f('ck_assignment_part_word')),
    sa.CheckConstraint("priority IN ('emergency', 'urgent', 'normal')", name=op.f('ck_assignment_priority_word')),
    sa.CheckConstraint("status IN ('issued', 'accepted', 'return_requested', 'reported', 'done', 'returned', 'recalled')", name=op.f('ck_assignment_status_word')),
    sa.ForeignKeyConstraint(['number'], ['ticket.number'], name=op.f('fk_assignment_number_ticket')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_assignment'))
    )
    op.create_index('ix_assignment_assignee', 'assignment', ['assignee'], unique=False, sqlite_where=sa.text('closed_at IS NULL'), postgresql_where=sa.text('closed_at IS NULL'))
    op.create_index('ix_assignment_department_number', 'assignment', ['department', 'number'], unique=False)
    op.create_index(op.f('ix_assignment_number'), 'assignment', ['number'], unique=False)
    op.create_index('ix_assignment_performer_number', 'assignment', ['performer', 'number'], unique=False, sqlite_where=sa.text('performer IS NOT NULL'), postgresql_where=sa.text('performer IS NOT NULL'))
    op.create_index('ix_assignment_performing', 'assignment', ['performer', 'rank', 'sort_at', 'id'], unique=False, sqlite_where=sa.text('closed_at IS NULL'), postgresql_where=sa.text('closed_at IS NULL'))
    op.create_index('ix_assignment_queue', 'assignment', ['department', 'rank', 'sort_at', 'id'], unique=False, sqlite_where=sa.text('closed_at IS NULL'), postgresql_where=sa.text('closed_at IS NULL'))
    op.create_table('attachment',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('number', sa.String(length=14), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('media_type', sa.String(length=80), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('at', columns.Instant(), nullable=False),
    sa.Column('by_id', sa.String(length=60), nullable=False),
    sa.ForeignKeyConstraint(['number'], ['ticket.number'], name=op.f('fk_attachment_number_ticket')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_attachment'))
    )
    op.create_index(op.f('ix_attachment_number'), 'attachment', ['number'], unique=False)
    op.create_table('call',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('number', sa.String(length=14), nullable=False),
    sa.Column('channel', sa.String(length=16), nullable=False),
    sa.Column('at', columns.Instant(), nullable=False),
    sa.Column('narrative', sa.Text(), nullable=False),
    sa.Column('taken_by', sa.String(length=60), nullable=False),
    sa.Column('caller', sa.String(length=36), nullable=True),
    sa.Column('phone', sa.String(length=20), nullable=True),
    sa.Column('raw_phone', sa.String(length=60), nullable=True),
    sa.Column('caller_name', sa.Text(), nullable=True),
    sa.Column('confidential', sa.Boolean(), nullable=False),
    sa.CheckConstraint("channel IN ('phone', 'sms', 'web', 'wechat', 'walk_in', 'grid', 'hotline', 'import')", name=op.f('ck_call_channel_word')),
    sa.ForeignKeyConstraint(['number'], ['ticket.number'], name=op.f('fk_call_number_ticket')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_call'))
    )
    op.create_index('ix_call_caller_at', 'call', ['caller', 'at'], unique=False)
    op.create_index(op.f('ix_call_number'), 'call', ['number'], unique=False)
    op.create_table('session',
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.Column('person', sa.String(length=36), nullable=False),
    sa.Column('created_at', columns.Instant(), nullable=False),
    sa.Column('expires_at', columns.Instant(), nullable=False),
    sa.ForeignKeyConstraint(['person'], ['person.id'], name=op.f('fk_session_person_person')),
    sa.PrimaryKeyConstraint('hash', name=op.f('pk_session'))
    )
    op.create_index(op.f('ix_session_expires_at'), 'session', ['expires_at'], unique=False)
    op.create_index(op.f('ix_session_person'), 'session', ['person'], unique=False)
    op.create_table('timeline',
    sa.Column('number', sa.String(length=14), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('at', columns.Instant(), nullable=False),
    sa.Column('by_kind', sa.String(length=10), nullable=False),
    sa.Column('by_id', sa.String(length=60), nullable=False),
    sa.Column('by_name', sa.Text(), nullable=False),
    sa.Column('action', sa.String(length=24), nullable=False),
    sa.Column('status_from', sa.String(length=20), nullable=True),
    sa.Column('status_to', sa.String(length=20), nullable=True),
    sa.Column('assignment', sa.String(length=20), nullable=True),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('changes', columns.Document(), nullable=False),
    sa.CheckConstraint("action IN ('receive', 'triage', 'request_info', 'provide_info', 'answer', 'decline', 'void', 'withdraw', 'merge', 'dispatch', 'confirm', 'call_back', 'explain', 'reopen', 'shelve', 'unshelve', 'comment', 'urge', 'supervise', 'set_confidential', 'amend', 'add_call', 'absorb', 'attach', 'reveal', 'escalate', 'accept', 'auto_accept', 'request_return', 'approve_return', 'refuse_return', 'request_extension', 'approve_extension', 'refuse_extension', 'contact_caller', 'assist', 'report', 'accept_report', 'reject_report', 'recall')", name=op.f('ck_timeline_action_word')),
    sa.CheckConstraint("by_kind IN ('person', 'key', 'resident', 'rules', 'clock')", name=op.f('ck_timeline_by_kind_word')),
    sa.ForeignKeyConstraint(['number'], ['ticket.number'], name=op.f('fk_timeline_number_ticket')),
    sa.PrimaryKeyConstraint('number', 'seq', name=op.f('pk_timeline'))
    )
    # what a ticket can be found by: terms made by `domain/folding`, the same on both databases
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE TABLE ticket_words (number varchar(14) PRIMARY KEY REFERENCES ticket (number), words tsvector NOT NULL)")
        op.execute("CREATE INDEX ix_ticket_words_words ON ticket_words USING gin (words)")
    else:
        op.execute("CREATE VIRTUAL TABLE ticket_words USING fts5(number UNINDEXED, words, tokenize = 'unicode61 remove_diacritics 0')")


def downgrade() -> None:
    op.execute("DROP TABLE ticket_words")
    op.drop_table('timeline')
    op.drop_index(op.f('ix_session_person'), table_name='session')
    op.drop_index(op.f('ix_session_expires_at'), table_name='session')
    op.drop_table('session')
    op.drop_index(op.f('ix_call_number'), table_name='call')
    op.drop_index('ix_call_caller_at', table_name='call')
    op.drop_table('call')
    op.drop_index(op.f('ix_attachment_number'), table_name='attachment')
    op.drop_table('attachment')
    op.drop_index('ix_assignment_queue', table_name='assignment', sqlite_where=sa.text('closed_at IS NULL'), postgresql_where=sa.text('closed_at IS NULL'))
    op.drop_index('ix_assignment_performing', table_name='assignment', sqlite_where=sa.text('closed_at IS NULL'), postgresql_where=sa.text('closed_at IS NULL'))
    op.drop_index('ix_assignment_performer_number', table_name='assignment', sqlite_where=sa.text('performer IS NOT NULL'), postgresql_where=sa.text('performer IS NOT NULL'))
    op.drop_index(op.f('ix_assignment_number'), table_name='assignment')
    op.drop_index('ix_assignment_department_number', table_name='assignment')
    op.drop_index('ix_assignment_assignee', table_name='assignment', sqlite_where=sa.text('closed_at IS NULL'), postgresql_where=sa.text('closed_at IS NULL'))
    op.drop_table('assignment')
    op.drop_index('uq_ticket_outer_system_outer_number', table_name='ticket', sqlite_where=sa.text('outer_number IS NOT NULL'), postgresql_where=sa.text('outer_number IS NOT NULL'))
    op.drop_index('ix_ticket_status_created_at_number', table_name='ticket')
    op.drop_index('ix_ticket_parent', table_name='ticket', sqlite_where=sa.text('parent IS NOT NULL'), postgresql_where=sa.text('parent IS NOT NULL'))
    op.drop_index('ix_ticket_created_at_number', table_name='ticket')
    op.drop_index('ix_ticket_caller_created_at', table_name='ticket')
    op.drop_index('ix_ticket_area_created_at_number', table_name='ticket')
    op.drop_table('ticket')
    op.drop_table('sequence')
    op.drop_table('person')
    op.drop_index('ix_outbox_partition_created_at_id', table_name='outbox', sqlite_where=sa.text("status IN ('leased', 'queued')"), postgresql_where=sa.text("status IN ('leased', 'queued')"))
    op.drop_index('ix_outbox_due', table_name='outbox', sqlite_where=sa.text("status IN ('leased', 'queued')"), postgresql_where=sa.text("status IN ('leased', 'queued')"))
    op.drop_table('outbox')
    op.drop_table('login_failure')
    op.drop_table('directory_log')
    op.drop_table('directory')
    op.drop_table('counter')
    op.drop_table('caller')
    op.drop_table('api_key')
    op.drop_index(op.f('ix_answer_at'), table_name='answer')
    op.drop_table('answer')
