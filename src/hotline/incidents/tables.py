"""The tables of incidents. Which tickets belong to one stands in `ticket.incident`."""

import sqlalchemy as sa

from hotline.database.columns import Document, Instant, SealedDocument, SealedText, words_check
from hotline.database.metadata import table
from hotline.incidents.model.vocabulary import IncidentState
from hotline.organisation.model.actors import ActorKind

C, S, I = sa.Column, sa.String, sa.Integer
incident = table(
    "incident", "Many calls about one matter, handled as one. Its tickets name it in `ticket.incident`.",
    C("code", S(8), primary_key=True, doc="With a check digit; shorter than a ticket's number"),
    C("state", S(12), nullable=False),
    C("category", S(40), nullable=False),
    C("symptom", S(40)),
    C("area", S(40), doc="The smallest that holds all its calls"),
    C("reach", S(40), doc="Where further calls may come from"),
    C("unit", S(20), doc="Of the building, where it is a matter of one unit"),
    C("parent", S(14), sa.ForeignKey("ticket.number"), doc="The ticket that carries the order; the others are merged into it"),
    C("moves", Document, nullable=False, doc="Tickets still to be taken in or out"),
    C("wording", SealedDocument("incident.wording"), nullable=False, doc="How its callers tell of it: weights of pairs of characters and words"),
    C("final_word", SealedText("incident.final_word")),
    C("first_call_at", Instant, nullable=False),
    C("last_call_at", Instant, nullable=False),
    C("callers", I, nullable=False, doc="Different callers; counted by the worker, like `tickets` and `last_call_at`"),
    C("tickets", I, nullable=False),
    C("created_at", Instant, nullable=False),
    C("updated_at", Instant, nullable=False),
    C("ended_at", Instant),
    C("announced_at", Instant, doc="When the officer on duty was told"),
    C("told_at", Instant, doc="When the callers were sent the final word"),
    C("merged_into", S(8), doc="The incident that its tickets went into"),
    C("entries", I, nullable=False),
    C("noted", I, nullable=False, server_default="0", doc="The last line of its timeline that its parent's tells of"),
    C("version", I, nullable=False),
    words_check("state", IncidentState),
    sa.Index("ix_incident_state_created_at", "state", "created_at"),
)  # fmt: skip

incident_entry = table(
    "incident_entry", "Every change of an incident: who, when, what and why. Rows are added, never changed.",
    C("code", S(8), sa.ForeignKey("incident.code"), primary_key=True),
    C("seq", I, primary_key=True),
    C("at", Instant, nullable=False),
    C("by_kind", S(10), nullable=False),
    C("by_id", S(60), nullable=False),
    C("by_name", sa.Text, nullable=False),
    C("action", S(20), nullable=False),
    C("state_from", S(12)),
    C("state_to", S(12), nullable=False),
    C("reason", SealedText("incident_entry.reason")),
    C("changes", SealedDocument("incident_entry.changes"), nullable=False),
    words_check("by_kind", ActorKind),
)  # fmt: skip
