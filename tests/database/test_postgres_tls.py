"""The wire to PostgreSQL: encrypted as the URL says, and refused where the certificate is not the one that is trusted."""

import datetime
import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hotline.database.engine import DatabaseUnavailable
from hotline.database.engine_postgres import Postgres
from hotline.database.postgres_tls import leaves_the_machine, tls_options
from tests.postgres import find_server


def write_certificate(folder: Path, name: str) -> Path:
    """A certificate of 127.0.0.1 that is its own authority, and its key beside it as `.key`."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.crt"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.with_suffix(".key").write_bytes(secret)
    path.with_suffix(".key").chmod(0o600)
    return path


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server with TLS: its URL, and the certificate to trust."""
    server = find_server(tmp_path_factory.mktemp("tls"), durable=True)
    if server is None or server.folder is None:
        pytest.skip("no PostgreSQL of our own on this machine")
    try:
        certificate = write_certificate(server.folder, "server")
        if os.geteuid() == 0:
            for path in (certificate, certificate.with_suffix(".key")):
                shutil.chown(path, "postgres")
        url = server.fresh("tls")
        for set_to in ("ssl_cert_file", "ssl_key_file"):
            path = certificate if set_to == "ssl_cert_file" else certificate.with_suffix(".key")
            subprocess.run([*server.psql, url, "-qc", f"ALTER SYSTEM SET {set_to} = '{path}'"], check=True)
        subprocess.run([*server.psql, url, "-qc", "ALTER SYSTEM SET ssl = on"], check=True)
        subprocess.run([*server.psql, url, "-qc", "SELECT pg_reload_conf()"], check=True, capture_output=True)
        yield url, certificate
    finally:
        server.stop()


async def is_encrypted(url: str) -> bool:
    """On both ways to the database: what queries take, and what transactions take."""
    db = Postgres(url)
    try:
        await db.open()
        assert await db.plain_wire() is None  # it does not leave this machine
        own = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        in_transaction = await db.transact(lambda c: bool(c.execute(sa.text(own)).scalar_one()))
        async with db._connection() as connection:
            assert bool(await connection.fetchval(own)) == in_transaction
        return in_transaction
    finally:
        await db.close()


async def test_the_wire_is_encrypted_as_the_url_says(encrypted: tuple[str, Path]) -> None:
    url, certificate = encrypted
    assert await is_encrypted(f"{url}?sslmode=verify-full&sslrootcert={certificate}")
    assert await is_encrypted(f"{url}?sslrootcert={certificate}")
    assert await is_encrypted(f"{url}?sslmode=require")
    assert not await is_encrypted(f"{url}?sslmode=disable")


async def test_a_server_with_another_certificate_is_not_spoken_to(encrypted: tuple[str, Path], tmp_path: Path) -> None:
    url, _ = encrypted
    other = write_certificate(tmp_path, "other")
    db = Postgres(f"{url}?sslmode=verify-full&sslrootcert={other}")
    with pytest.raises(DatabaseUnavailable):
        await db.open()
    await db.close()


def test_a_mode_that_is_none_and_a_file_that_is_not_there_are_told_at_start(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="sslmode is one of"):
        tls_options(sa.make_url("postgresql://db.example/hotline?sslmode=sometimes"))
    with pytest.raises(FileNotFoundError):
        tls_options(sa.make_url(f"postgresql://db.example/hotline?sslrootcert={tmp_path}/gone.crt"))
    assert tls_options(sa.make_url("postgresql://db.example/hotline")) is None


def test_a_host_is_checked_by_name_where_the_mode_says_so(tmp_path: Path) -> None:
    root = write_certificate(tmp_path, "root")
    for mode, by_name in (("verify-full", True), ("verify-ca", False), ("require", False)):
        context = tls_options(sa.make_url(f"postgresql://db.example/hotline?sslmode={mode}&sslrootcert={root}"))
        assert isinstance(context, ssl.SSLContext)
        assert (context.check_hostname, context.verify_mode) == (by_name, ssl.CERT_REQUIRED)


def test_a_socket_and_a_loopback_address_stay_on_the_machine() -> None:
    assert [leaves_the_machine(a) for a in (None, "127.0.0.1", "::1", "10.0.0.5", "2001:db8::5")] == [
        *(False,) * 3,
        True,
        True,
    ]
