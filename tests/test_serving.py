"""`hotline serve` as a process: what it refuses to start with, and what it refuses by itself."""

import signal
import socket
import ssl
import subprocess
import time
import warnings
from pathlib import Path

import httpx
import pytest

from tests.chaos.server import Process
from tests.cli.commands import hotline
from tests.postgres import free_port


@pytest.mark.parametrize("command", ["serve", "run", "work", "migrate"])
@pytest.mark.parametrize("value", ["*", "0.0.0.0/0", "proxy"])
def test_it_does_not_start_where_everybody_names_their_own_address(command: str, value: str, tmp_path: Path) -> None:
    said = hotline(tmp_path, command, code=1, HOTLINE_FORWARDED_ALLOW_IPS=value).stderr
    assert "HOTLINE_FORWARDED_ALLOW_IPS" in said and "10.1.0.0/24" in said


def test_it_refuses_a_huge_header_by_itself(tmp_path: Path) -> None:
    hotline(tmp_path, "setup")
    process = Process({"HOTLINE_DATA_DIR": str(tmp_path / "data")}, tmp_path)
    process.start()
    try:
        with socket.create_connection(("127.0.0.1", process.port), 10) as line:
            line.sendall(b"GET /healthz HTTP/1.1\r\nhost: a\r\nx: " + b"y" * 2_000_000 + b"\r\n\r\n")
            assert line.recv(64).startswith(b"HTTP/1.1 431 ")
    finally:
        process.kill()


def certificate(folder: Path, name: str) -> tuple[Path, Path, ssl.SSLContext]:
    """A certificate of its own for 127.0.0.1, its key, and a client that believes it alone."""
    chain, key = folder / f"{name}.pem", folder / f"{name}-key.pem"
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    made += ["-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(chain)]
    subprocess.run(made, check=True, capture_output=True)
    return chain, key, ssl.create_default_context(cafile=str(chain))


def ended(line: socket.socket) -> bytes:
    """What comes back until the far side ends the connection."""
    said = b""
    while piece := line.recv(65536):
        said += piece
    return said


def test_it_ends_tls_and_every_slow_connection_and_keeps_operations_apart(tmp_path: Path) -> None:
    hotline(tmp_path, "setup")
    chain, key, client = certificate(tmp_path, "first")
    operations, plain = free_port(), free_port()
    process = Process(
        {"HOTLINE_DATA_DIR": str(tmp_path / "data"), "HOTLINE_PUBLIC_URL": "https://hotline.example:8443/base", "HOTLINE_OPERATIONS_PORT": str(operations), "HOTLINE_OPERATIONS_ALLOW": "",
         "HOTLINE_HEADER_SECONDS": "1", "HOTLINE_BODY_SECONDS": "1", "HOTLINE_IDLE_SECONDS": "1"},
        tmp_path, tls=client,
    )  # fmt: skip
    process.start("serve", "--tls-cert", str(chain), "--tls-key", str(key), "--http-port", str(plain))
    try:
        with httpx.Client(timeout=30, headers={"host": "evil.example"}) as http:
            for method, path, status in (
                ("GET", "/", 308), ("GET", "/console/take?next=1", 308), ("HEAD", "/console", 308),
                ("POST", "/console/session", 403), ("GET", "/v1/me", 403), ("GET", "/healthz", 403),
            ):  # fmt: skip
                reply = http.request(method, f"http://127.0.0.1:{plain}{path}")
                sent_on = f"https://hotline.example:8443{path}" if status == 308 else None
                assert (reply.status_code, reply.headers.get("location")) == (status, sent_on), path
                assert "strict-transport-security" not in reply.headers  # said by http it means nothing
        at, port = f"https://127.0.0.1:{process.port}", f"http://127.0.0.1:{operations}"
        with httpx.Client(verify=client, timeout=30) as http:
            health = http.get(f"{at}/healthz")
            assert health.headers["strict-transport-security"]
            assert [http.get(f"{at}{path}").status_code for path in ("/metrics", "/docs", "/readyz")] == [404] * 3
            assert b"hotline_journal_depth" in http.get(f"{port}/metrics").content
            assert http.get(f"{port}/v1/me").status_code == 404
            assert http.get(f"{port}/docs").headers["x-content-type-options"] == "nosniff"
        post = b"POST /v1/token HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 30\r\n\r\n{"
        many = b"GET /healthz HTTP/1.1\r\nhost: a\r\n" + b"x: y\r\n" * 200 + b"\r\n"
        for sent, status in (
            (b"GET /healthz HTTP/1.1\r\nhost: a\r\nx: ", b"408"),
            (post, b"400"),
            (many, b"431"),
            (b"", b""),
            (b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n", b"200"),  # then it is idle
        ):
            with (
                socket.create_connection(("127.0.0.1", process.port), 30) as raw,
                client.wrap_socket(raw, server_hostname="127.0.0.1") as line,
            ):
                line.sendall(sent)
                assert ended(line)[9:12] == status, sent[:40]
        old = ssl.create_default_context(cafile=str(chain))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of what shall be refused
            old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.set_ciphers("ALL:@SECLEVEL=0")
        with socket.create_connection(("127.0.0.1", process.port), 30) as raw, pytest.raises(OSError):
            old.wrap_socket(raw, server_hostname="127.0.0.1")

        newer, newer_key, newer_client = certificate(tmp_path, "second")
        key.write_bytes(newer_key.read_bytes())  # half replaced: the first pair stays in use
        assert process.running is not None
        process.running.send_signal(signal.SIGHUP)
        assert httpx.get(f"{at}/healthz", verify=client, timeout=30).status_code == 200
        chain.write_bytes(newer.read_bytes())
        process.running.send_signal(signal.SIGHUP)
        until = time.monotonic() + 30
        while True:
            try:
                assert httpx.get(f"{at}/healthz", verify=newer_client, timeout=30).status_code == 200
                break
            except httpx.ConnectError:
                assert time.monotonic() < until, "the new certificate is not served"
    finally:
        process.kill()


def test_it_does_not_start_with_half_a_certificate(tmp_path: Path) -> None:
    hotline(tmp_path, "setup")
    chain, _, _ = certificate(tmp_path, "first")
    _, other, _ = certificate(tmp_path, "second")
    said = hotline(tmp_path, "serve", "--tls-cert", str(chain), code=1).stderr
    assert "HOTLINE_TLS_KEY" in said
    assert "HOTLINE_HTTP_PORT needs" in hotline(tmp_path, "serve", "--http-port", "8080", code=1).stderr
    assert "cannot use" in hotline(tmp_path, "serve", "--tls-cert", str(chain), "--tls-key", str(other), code=1).stderr
