"""TLS ended by the server itself: version 1.2 or later, ciphers with forward secrecy, a certificate read anew when its
file changes."""

import ssl
from pathlib import Path

# Mozilla's "intermediate" configuration for TLS 1.2 (version 5.7); TLS 1.3 chooses among its own
CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
)


class ServerCertificate:
    """A certificate with its chain, and its key, both PEM. `context` serves connections that begin after a `reload`
    with what the files held then."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self._certificate, self._key = certificate, key
        self._read_at = self._stamp()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.set_ciphers(CIPHERS)
        self.context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
        self.context.load_cert_chain(certificate, key)

    def reload(self) -> None:
        """Read both files. Raises OSError (ssl.SSLError among them) where they are unreadable or do not belong
        together: what was read before stays in use."""
        stamp = self._stamp()
        probe = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        probe.load_cert_chain(
            self._certificate, self._key
        )  # loaded at once, a wrong pair would half replace the old one
        self.context.load_cert_chain(self._certificate, self._key)
        self._read_at = stamp

    def has_changed(self) -> bool:
        """Whether a file was written since it was read."""
        return self._stamp() != self._read_at

    def _stamp(self) -> tuple[tuple[int, int], ...]:
        stats = [path.stat() for path in (self._certificate, self._key)]
        return tuple((about.st_mtime_ns, about.st_ino) for about in stats)
