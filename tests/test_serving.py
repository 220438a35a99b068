"""`hotline serve` as a process: what it refuses to start with, and what it refuses by itself."""

import socket
from pathlib import Path

import pytest

from tests.chaos.server import Process
from tests.cli.commands import hotline


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
