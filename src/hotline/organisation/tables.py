"""Tables of the directory, people, log-ins and keys."""

import sqlalchemy as sa

from hotline.database.columns import Document, Instant, LookupHash, words_check
from hotline.database.metadata import table
from hotline.organisation.model.outlines import OutlineKind
from hotline.organisation.model.second_factors import FactorKind
from hotline.organisation.model.sessions import SessionStage

C, S, I = sa.Column, sa.String, sa.Integer
directory = table(
    "directory", "The organisation as data: every noun's items, whole and validated together.",
    C("noun", S(16), primary_key=True),
    C("code", S(40), primary_key=True),
    C("body", Document, nullable=False),
    C("version", I, nullable=False),
)  # fmt: skip

directory_log = table(
    "directory_log", "One row for each change ever made to the directory; the highest version is the directory's.",
    C("version", I, primary_key=True, autoincrement=False),
    C("place", I, primary_key=True, autoincrement=False),
    C("noun", S(16), nullable=False),
    C("code", S(40), nullable=False),
    C("before", Document),
    C("after", Document),
    C("at", Instant, nullable=False),
    C("by_id", S(60), nullable=False),
    C("by_name", sa.Text, nullable=False),
)  # fmt: skip

outline = table(
    "outline", "Drawn outlines of the map, imported from GeoJSON.",
    C("code", S(60), primary_key=True),
    C("kind", S(12), nullable=False),
    C("area", S(60), doc="The place it shows"),
    C("part", S(60), doc="The area it lies in: its own, or that of the ground around it"),
    C("name", S(40)),
    C("name_en", S(40)),
    C("geometry", Document, nullable=False),
    words_check("kind", OutlineKind),
    sa.Index("ix_outline_part", "part"),
)  # fmt: skip

person = table(
    "person", "People who log in, with their roles and scopes.",
    C("id", S(36), primary_key=True),
    C("login", S(60), nullable=False, unique=True),
    C("name", sa.Text, nullable=False),
    C("password", sa.Text, nullable=False),
    C("roles", Document, nullable=False),
    C("department", S(40)),
    C("area", S(40)),
    C("active", sa.Boolean, nullable=False),
    C("version", I, nullable=False),
    C("created_at", Instant, nullable=False),
    C("first_password_until", Instant, doc="The password was set by somebody else: to be replaced, and valid until then"),
)  # fmt: skip

session = table(
    "session", "A person's log-in; only the hash of its token is kept.",
    C("hash", LookupHash(64), primary_key=True),
    C("person", S(36), sa.ForeignKey("person.id"), nullable=False, index=True),
    C("created_at", Instant, nullable=False),
    C("expires_at", Instant, nullable=False, index=True, doc="However much it is used"),
    C("stage", S(20), nullable=False, server_default="active", doc="Only an active session is a credential"),
    C("method", S(40), nullable=False, server_default="password", doc="How the person proved who they are"),
    C("device", S(60), nullable=False, server_default="", doc="Browser and system"),
    C("address", S(45), doc="From where the log-in was made"),
    C("seen_at", Instant, doc="Last use, to the minute"),
    words_check("stage", SessionStage),
)  # fmt: skip

push_device = table(
    "push_device", "Browsers of staff that are told of dangers by Web Push; address and keys are sealed.",
    C("id", S(40), primary_key=True, doc="Follows from its address, which nobody can guess"),
    C("person", S(36), sa.ForeignKey("person.id"), nullable=False, index=True),
    C("session", S(64), index=True, doc="The hash of the log-in it was added in, or of the last one there; it goes when that is ended"),
    C("sealed", sa.Text, nullable=False),
    C("device", S(60), nullable=False, doc="Browser and system"),
    C("language", S(10), nullable=False),
    C("created_at", Instant, nullable=False),
)  # fmt: skip

api_key = table(
    "api_key", "Keys of machines, with their roles and scopes; only the hash of a key is kept.",
    C("id", S(16), primary_key=True),
    C("name", sa.Text, nullable=False),
    C("hash", S(64), nullable=False),
    C("roles", Document, nullable=False),
    C("department", S(40)),
    C("area", S(40)),
    C("created_at", Instant, nullable=False),
    C("created_by", S(60), nullable=False),
    C("expires_at", Instant),
    C("revoked_at", Instant),
    C("last_used_at", Instant, doc="To the minute"),
    C("replaces", S(16), doc="The key that this one was rotated from"),
)  # fmt: skip

duty_feed = table(
    "duty_feed", "Departments whose shared calendar token was used, made anew or closed; the others have their first one.",
    C("department", S(40), primary_key=True),
    C("generation", I, nullable=False, doc="Part of what the token is derived from: an older token opens nothing"),
    C("active", sa.Boolean, nullable=False),
    C("changed_at", Instant, nullable=False),
    C("changed_by", S(60), nullable=False),
    C("last_used_at", Instant, doc="To the minute"),
)  # fmt: skip

feed_token = table(
    "feed_token", "Named tokens of departments' duty calendars; only the hash of a token is kept.",
    C("id", S(16), primary_key=True),
    C("department", S(40), nullable=False, index=True),
    C("name", sa.Text, nullable=False),
    C("hash", S(64), nullable=False),
    C("created_at", Instant, nullable=False),
    C("created_by", S(60), nullable=False),
    C("last_used_at", Instant, doc="To the minute"),
    C("revoked_at", Instant),
)  # fmt: skip

login_failure = table(
    "login_failure", "Read by older versions alone: `throttle` has taken its place.",
    C("subject", S(100), primary_key=True, doc="login:<name> or address:<ip>"),
    C("count", I, nullable=False),
    C("last_at", Instant, nullable=False),
)  # fmt: skip

second_factor = table(
    "second_factor", "What a person proves a log-in with besides the password: one-time codes and passkeys.",
    C("id", S(36), primary_key=True),
    C("person", S(36), sa.ForeignKey("person.id"), nullable=False, index=True),
    C("kind", S(8), nullable=False),
    C("name", sa.Text, nullable=False),
    C("secret", sa.Text, doc="Of one-time codes, sealed with HOTLINE_SECRET"),
    C("credential", S(1400), unique=True, doc="A passkey's id, base64url"),
    C("public_key", sa.LargeBinary, doc="A passkey's, in COSE"),
    C("counter", sa.BigInteger, nullable=False, doc="The last time step used, or a passkey's signature count: neither counts again"),
    C("created_at", Instant, nullable=False),
    C("confirmed_at", Instant, doc="None: being set up, and no factor yet"),
    C("last_used_at", Instant),
    words_check("kind", FactorKind),
)  # fmt: skip

recovery_code = table(
    "recovery_code", "Codes that stand in for a lost factor, each of them once; only keyed hashes are kept.",
    C("hash", LookupHash(64), primary_key=True),
    C("person", S(36), sa.ForeignKey("person.id"), nullable=False, index=True),
    C("created_at", Instant, nullable=False),
    C("used_at", Instant),
)  # fmt: skip

used_challenge = table(
    "used_challenge", "Challenges that were answered rightly, until they expire: no answer counts twice.",
    C("hash", S(64), primary_key=True),
    C("expires_at", Instant, nullable=False, index=True),
)  # fmt: skip
