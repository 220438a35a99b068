"""The only reader of the environment. Every name begins with HOTLINE_; `hotline settings` lists them."""

import ipaddress
from datetime import time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from hotline.organisation.model.actors import Role
from hotline.organisation.model.second_factors import parse_required_roles
from hotline.organisation.model.sessions import AccountRules
from hotline.scanning.clamd import parse_scanner_address
from hotline.secrets.secret_file import parse_secrets, read_secret_file
from hotline.server_secret import ServerSecret
from hotline.web.addresses import Network, parse_origins, parse_proxy_networks


class Settings(BaseSettings):
    """What can be set, and what it means."""

    model_config = SettingsConfigDict(env_prefix="HOTLINE_", extra="ignore")

    data_dir: Path = Field(
        Path("hotline-data"), description="Folder of the embedded database, attachments and the secret"
    )
    database_url: str | None = Field(
        None, description="SQLAlchemy URL of the database; absent: SQLite in the data folder"
    )
    database_connections: int = Field(12, ge=2, le=200, description="PostgreSQL connections of one process")
    session_hours: int = Field(12, ge=1, le=168, description="Hours after which a log-in ends, however much it is used")
    session_idle_hours: float = Field(4, ge=0.25, le=168, description="Hours after which an unused log-in ends")
    first_password_days: int = Field(
        7, ge=1, le=90, description="Days after which a password that somebody else set ends, unless it was replaced"
    )
    key_days: int = Field(365, ge=1, le=3650, description="Days after which a key ends that is made without an end")
    shard: int = Field(
        0, ge=0, le=1000, description="Number of this process: two processes with different ones share no counter row"
    )
    secret: SecretStr | None = Field(
        None,
        min_length=32,
        description="Key for hashing API keys and signing cursors, the same in every process; absent: a file",
    )
    secret_previous: SecretStr | None = Field(
        None,
        description="Other secrets that are still accepted, separated by commas, the oldest last: docs/operations.md",
    )
    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(8000, ge=1, le=65535, description="Port to listen on")
    forwarded_allow_ips: str = Field(
        "127.0.0.1",
        description="Proxies whose X-Forwarded-For is believed, as 10.1.0.5,10.2.0.0/24: nobody else's",
    )
    tls_cert: Path | None = Field(
        None, description="Certificate and its chain (PEM), to serve https without a proxy; read anew when it changes"
    )
    tls_key: Path | None = Field(None, description="Key of that certificate (PEM)")
    http_port: int = Field(
        0,
        ge=0,
        le=65535,
        description="With a certificate: a second port, at which pages asked for by http are sent to https; 0: none",
    )
    header_seconds: float = Field(10, gt=0, le=60, description="Within how many seconds a request's header is whole")
    body_seconds: float = Field(60, gt=0, le=600, description="Within how many seconds a request's body is whole")
    idle_seconds: int = Field(30, ge=1, le=600, description="After how many quiet seconds a connection is closed")
    operations_host: str = Field("127.0.0.1", description="Address of the operations port")
    operations_port: int = Field(
        0, ge=0, le=65535, description="Port of /metrics, /readyz, /docs and /openapi.json; 0: none of their own"
    )
    operations_allow: str = Field(
        "127.0.0.0/8,::1",
        description="Networks that may ask for these at the port that serves everything else; empty: nobody",
    )
    drain_seconds: float = Field(
        0,
        ge=0,
        le=60,
        description="Seconds to go on serving after the signal to stop, until a proxy sends requests elsewhere",
    )
    region: str = Field("CN", min_length=2, max_length=2, description="Country of phone numbers without a country code")
    area_code: str = Field("28", pattern=r"^[0-9]{1,4}$", description="Area code of local numbers, without the 0")
    docs: bool = Field(True, description="Serve /docs and /openapi.json")
    feed_tokens_in_urls: bool = Field(
        False,
        description="Calendar programs that cannot log in may send the token of a duty feed in the address, which logs "
        "and other programs keep",
    )
    public_url: str = Field(
        "http://127.0.0.1:8000",
        pattern=r"^https?://[^/?#\s]+(/[^?#\s]*)?$",
        description="Our address as providers know it: they sign it, and send their reports back to it",
    )
    second_factor_required: str = Field(
        "",
        description="Roles that log in with a second factor, as admin,supervisor; whoever has one is asked in any case",
    )
    quiet_hours: str = Field(
        "22:00-08:00",
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$",
        description="When residents get no texts but answers and emergencies, in the organisation's zone; equal: never",
    )
    egress_allow: str = Field(
        "",
        description="Networks that subscriptions may reach though they are not public, as 10.1.0.0/16,192.168.7.5/32",
    )
    spool_cap: int = Field(
        2 * 1024**3, ge=0, description="Bytes taken in while the database is away, at most; 0: none, answer 503 at once"
    )
    streams: int = Field(10_000, ge=1, le=100_000, description="Live streams open in one process, at most")
    anonymous_requests: int = Field(
        600,
        ge=0,
        le=1_000_000,
        description="Requests a minute without a log-in from one address (IPv6: its /64) to one process: log-in, "
        "look-up, pages, wrong credentials and signatures; ten times as many health checks; 0: no limit",
    )
    resident_phone: str | None = Field(
        None,
        pattern=r"^[0-9+*# -]{2,24}$",
        description="Number of the hotline that residents' pages offer to call; absent: `phone` of the house in the "
        "directory",
    )
    resident_reports: int = Field(
        120, ge=1, le=100_000, description="Reports an hour from one address by residents' pages, with a proof of work"
    )
    resident_plain_reports: int = Field(
        12, ge=1, le=100_000, description="The same without one: from browsers without a script"
    )
    resident_work: int = Field(
        16,
        ge=0,
        le=22,
        description="Zero bits of that proof: each one more doubles the work of the sender's browser; under load more "
        "are asked for",
    )
    embed_origins: str = Field(
        "",
        description="Origins whose pages may show the residents' form at /embed, as https://a.org,https://b.org; "
        "empty: none",
    )
    open311: bool = Field(
        True, description="Serve Open311; what it publishes without a key is chosen by category, and nothing by itself"
    )
    open311_reads: int = Field(
        120,
        ge=1,
        le=100_000,
        description="Questions about tickets a minute that one address may ask Open311 without a key",
    )
    open311_jurisdiction: str | None = Field(
        None, max_length=80, description="jurisdiction_id of Open311; set: another one is answered 404"
    )
    open311_contact: str = Field(
        "", max_length=400, description="Whom Open311 clients turn to, for the discovery document"
    )
    security_contact: str | None = Field(
        None,
        pattern=r"^(mailto:|https://|tel:)[^\s]+$",
        max_length=400,
        description="Whom to tell of a weakness: mailto: or https:, for /.well-known/security.txt; absent: 404",
    )
    virus_scanner: str | None = Field(
        None,
        description="Where clamd listens: unix:/run/clamav/clamd.ctl or tcp:host:3310; absent: files are not scanned",
    )
    security_log_file: Path | None = Field(
        None, description="File that the worker appends the security log to, as lines of JSON; absent: none"
    )
    security_log_syslog: str | None = Field(
        None,
        pattern=r"^(udp|tcp)://[^/?#\s]+$",
        description="Syslog server that the worker sends the security log to (RFC 5424), as tcp://log.example:601",
    )
    audit_checkpoint_file: Path | None = Field(
        None,
        description="File, on other storage for choice, that the worker appends each signed checkpoint to; absent: "
        "checkpoints.jsonl in the data folder",
    )
    notice_url: str | None = Field(
        None, description="Where outgoing messages are posted (Standard Webhooks); absent: they wait"
    )
    notice_secret: SecretStr | None = Field(
        None, description="Secret of that address: whsec_ and base64 of 24-64 bytes"
    )
    heartbeat_url: str | None = Field(
        None,
        description="Address that `hotline doctor` and the worker request only while every check passes",
    )
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="debug, info, warning or error")

    @field_validator("egress_allow")
    @classmethod
    def _networks(cls, value: str) -> str:
        for network in value.split(","):
            if network.strip():
                ipaddress.ip_network(network.strip(), strict=False)
        return value

    @field_validator("embed_origins")
    @classmethod
    def _origins(cls, value: str) -> str:
        parse_origins(value)
        return value

    @property
    def frame_origins(self) -> tuple[str, ...]:
        return parse_origins(self.embed_origins)

    @field_validator("virus_scanner")
    @classmethod
    def _scanner(cls, value: str | None) -> str | None:
        if value:
            parse_scanner_address(value)
        return value or None

    @field_validator("secret_previous")
    @classmethod
    def _earlier_secrets(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and any(len(each) < 32 for each in parse_secrets(value.get_secret_value())):
            raise ValueError("32 characters or more each; secrets with a comma in them as a JSON list")
        return value

    @field_validator("forwarded_allow_ips")
    @classmethod
    def _proxies(cls, value: str) -> str:
        parse_proxy_networks(value)
        return value

    @field_validator("operations_allow")
    @classmethod
    def _operators(cls, value: str) -> str:
        parse_proxy_networks(value)
        return value

    @model_validator(mode="after")
    def _certificate_and_key(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("HOTLINE_TLS_CERT and HOTLINE_TLS_KEY are set together")
        if self.http_port and (self.tls_cert is None or not self.public_url.startswith("https://")):
            raise ValueError("HOTLINE_HTTP_PORT needs HOTLINE_TLS_CERT, and an https address in HOTLINE_PUBLIC_URL")
        return self

    @property
    def operators(self) -> tuple[Network, ...]:
        return parse_proxy_networks(self.operations_allow)

    @field_validator("second_factor_required")
    @classmethod
    def _roles(cls, value: str) -> str:
        parse_required_roles(value)
        return value

    @property
    def roles_with_second_factor(self) -> frozenset[Role]:
        return parse_required_roles(self.second_factor_required)

    @property
    def account_rules(self) -> AccountRules:
        return AccountRules(
            timedelta(hours=self.session_hours),
            timedelta(hours=self.session_idle_hours),
            timedelta(days=self.first_password_days),
            timedelta(days=self.key_days),
        )

    def as_texts(self) -> dict[str, str]:
        """Each setting as text, the secret ones too: not to be shown."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return {
            name: value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            for name, value in values.items()
        }

    @property
    def proxies(self) -> tuple[Network, ...]:
        return parse_proxy_networks(self.forwarded_allow_ips)

    @property
    def quiet(self) -> tuple[time, time]:
        start, _, end = self.quiet_hours.partition("-")
        return time.fromisoformat(start), time.fromisoformat(end)

    @property
    def url(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir / 'hotline.db'}"

    @property
    def secret_file(self) -> Path | None:
        """The file that holds the secret. None: the environment does."""
        return None if self.secret is not None else self.data_dir / "secret"

    def key(self) -> ServerSecret:
        """The secret, with the earlier ones that are still accepted, from the environment or from a file only its owner
        can read; made on first use. One object: it is given the look-up key of the database."""
        return self.server_secret

    @cached_property
    def server_secret(self) -> ServerSecret:
        given = parse_secrets(self.secret_previous.get_secret_value()) if self.secret_previous else []
        earlier = [each.encode() for each in given]
        if self.secret is not None:
            return ServerSecret(self.secret.get_secret_value().encode(), earlier)
        current, *kept = read_secret_file(self.data_dir / "secret")
        return ServerSecret(current, [*kept, *earlier])
