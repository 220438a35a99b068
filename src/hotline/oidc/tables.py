"""Tables of identity providers, of who is who there, and of the sessions they began."""

import sqlalchemy as sa

from hotline.database.columns import Document, Instant, LookupHash
from hotline.database.metadata import table

C, S, I = sa.Column, sa.String, sa.Integer
identity_provider = table(
    "identity_provider", "Where people log in by OpenID Connect, and what its claims grant.",
    C("code", S(40), primary_key=True),
    C("body", Document, nullable=False),
    C("secret", sa.Text, doc="Of our client there, sealed with HOTLINE_SECRET; none: a public client"),
    C("changed_at", Instant, nullable=False),
)  # fmt: skip

identity = table(
    "identity", "Who a person is at an identity provider.",
    C("issuer", S(400), primary_key=True),
    C("subject", S(255), primary_key=True),
    C("person", S(36), sa.ForeignKey("person.id"), nullable=False, index=True),
    C("created_at", Instant, nullable=False),
    C("last_at", Instant, nullable=False),
)  # fmt: skip

provider_session = table(
    "provider_session", "Sessions that began at an identity provider, to be ended from there.",
    C("session", LookupHash(64), primary_key=True, doc="Hash of its token"),
    C("provider", S(40), nullable=False),
    C("subject", S(255), nullable=False),
    C("sid", S(255), doc="The provider's own id of the session"),
    C("expires_at", Instant, nullable=False, index=True),
    sa.Index("ix_provider_session_subject", "provider", "subject"),
)  # fmt: skip
