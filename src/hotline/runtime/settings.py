"""The settings of the capabilities of a process."""

from dataclasses import dataclass
from datetime import time
from pathlib import Path

from hotline.web.addresses import Network


@dataclass(frozen=True, slots=True)
class HotlineNumber:
    """The number that residents' pages offer to call, where the settings name one; else the directory's."""

    number: str | None = None


@dataclass(frozen=True, slots=True)
class CapabilitySettings:
    """`streams`: live streams open at once in a process, at most. `quiet`: from when to when residents get no text, by
    the local clock. `open311_reads`: questions about tickets a minute, from one address without a key.
    `security_contact`: a URI that security.txt names. `security_log_file`, `security_log_syslog`: where the
    security log is sent as well. `checkpoint_file`: where checkpoints are sent as well. `virus_scanner`: the socket of
    clamd, as `unix:` and a path or `tcp:`, a host and a port. `embed_origins`: whose pages may show the residents'
    form; `resident_work`, `resident_reports`, `resident_plain_reports`, `resident_phone`: as `public` has them;
    `egress_allow`: networks that webhooks and robots may be sent to though they are not public."""

    streams: int = 10_000
    quiet: tuple[time, time] | None = None
    open311: bool = True
    open311_jurisdiction: str | None = None
    open311_contact: str = ""
    open311_reads: int = 120
    security_contact: str | None = None
    security_log_file: Path | None = None
    security_log_syslog: str | None = None
    checkpoint_file: Path | None = None
    virus_scanner: str | None = None
    embed_origins: tuple[str, ...] = ()
    resident_work: int = 16
    resident_reports: int = 120
    resident_plain_reports: int = 12
    resident_phone: str | None = None
    egress_allow: tuple[Network, ...] = ()
