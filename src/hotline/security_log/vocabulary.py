"""The words of the security log."""

from enum import StrEnum


class Deed(StrEnum):
    """What was done or tried."""

    LOG_IN = "log_in"
    LOG_IN_FAILED = "log_in_failed"
    LOG_OUT = "log_out"
    SESSION_ENDED = "session_ended"
    REFUSED = "refused"  # answered 403
    CALLER_LOOKED_UP = "caller_looked_up"
    CONTACT_REVEALED = "contact_revealed"
    PERSON_ADDED = "person_added"
    PERSON_CHANGED = "person_changed"
    PERSON_CLOSED = "person_closed"
    PERSON_OPENED = "person_opened"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    DEVICE_REMOVED = "device_removed"  # which was told of dangers, of somebody else
    FACTOR_ADDED = "factor_added"
    FACTOR_REMOVED = "factor_removed"
    FACTOR_FAILED = "factor_failed"
    RECOVERY_CODES_MADE = "recovery_codes_made"
    RECOVERY_CODE_USED = "recovery_code_used"
    KEY_MADE = "key_made"
    KEY_ROTATED = "key_rotated"
    KEY_REVOKED = "key_revoked"
    KEY_REFUSED = "key_refused"
    FEED_TOKEN_MADE = "feed_token_made"  # noqa: S105
    FEED_TOKEN_REVOKED = "feed_token_revoked"  # noqa: S105
    IDENTITY_PROVIDER_CHANGED = "identity_provider_changed"
    DIRECTORY_CHANGED = "directory_changed"
    EXPORT_MADE = "export_made"
    EXPORT_FETCHED = "export_fetched"
    FILE_FOUND_INFECTED = "file_found_infected"
    SECRET_ROTATED = "secret_rotated"  # noqa: S105
    PRIVACY_EXPORTED = "privacy_exported"
    PRIVACY_ERASED = "privacy_erased"
    RETENTION_APPLIED = "retention_applied"
    RETENTION_CHANGED = "retention_changed"
    PUBLICATION_CHANGED = "publication_changed"
    AUDIT_VERIFIED = "audit_verified"  # whole, by the command
    WEBHOOK_ADDED = "webhook_added"  # with a secret, told once
    WEBHOOK_CHANGED = "webhook_changed"
    WEBHOOK_SECRET_ROTATED = "webhook_secret_rotated"  # noqa: S105
    WEBHOOK_REMOVED = "webhook_removed"
    WEBHOOK_TESTED = "webhook_tested"
    GATEWAY_ADDED = "gateway_added"  # of messages or of an exchange
    GATEWAY_CHANGED = "gateway_changed"
    GATEWAY_REMOVED = "gateway_removed"
    GATEWAY_TESTED = "gateway_tested"
    SETTINGS_CHANGED = "settings_changed"  # a process started with others
    LOG_READ = "log_read"
    HISTORY_REOPENED = "history_reopened"  # lines without a hash are chained again
    EVENTS_LOST = "events_lost"  # how many could not be written


class EventSubject(StrEnum):
    """What an event is about, besides the nouns of the directory."""

    PERSON = "person"
    KEY = "key"
    TICKET = "ticket"
    CALLER = "caller"
    EXPORT = "export"
    PROVIDER = "provider"
    FEED = "feed"
    GATEWAY = "gateway"
    SUBSCRIPTION = "subscription"
    SYSTEM = "system"
    RETENTION = "retention"  # how long something is kept


class EventOutcome(StrEnum):
    """How it ended."""

    DONE = "done"
    FAILED = "failed"  # a wrong password, code or key
    REFUSED = "refused"  # known, and without the right to it
