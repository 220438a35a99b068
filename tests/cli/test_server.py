"""The command line as a new user meets it: in an empty folder, with nothing but the wheel."""

import contextlib
import json
import os
import pty
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from hotline.database.schema_state import newest_revision
from hotline.organisation.model.passwords import MAX_LENGTH, MIN_LENGTH
from hotline.packaged_files import packaged_folder
from tests.chaos.server import Process
from tests.cli.commands import hotline, interpreted
from tests.conftest import ROOT
from tests.postgres import free_port


def test_run_sets_everything_up_and_the_demo_plays_to_its_end(process: Process) -> None:
    process.imported = False
    process.start("run")
    said = process.said("Stop with")
    assert f"http://127.0.0.1:{process.port}/docs" in said
    assert "hotline user reset admin operator dispatcher supervisor auditor handler" in said  # no terminal: no password
    _, password = process.cli("user", "reset", "admin").split("\t")
    with httpx.Client(base_url=f"http://127.0.0.1:{process.port}") as http:
        token = http.post("/v1/token", json={"login": "admin", "password": password}).json()["token"]
        own = {"old_password": password, "new_password": "quite another phrase 7"}
        assert http.post("/v1/me/password", json=own, headers={"authorization": f"Bearer {token}"}).status_code == 204
        docs = http.get("/docs")
        assert docs.status_code == 200
        for link in re.findall(r'(?:src|href)="([^"]+)"', docs.text):
            assert link.startswith(("/", "data:")), link  # nothing is loaded from elsewhere
            assert link.startswith("data:") or http.get(link).status_code == 200
        played = process.cli("demo", "--url", f"http://127.0.0.1:{process.port}")
        assert "128 calls played, no error" in played
        board = http.get("/v1/board", headers={"authorization": f"Bearer {token}"}).json()
        assert board["counts"]["closed"] >= 100 and board["open"] == 3
        keys = http.get("/v1/keys", headers={"authorization": f"Bearer {token}"}).json()["items"]
        assert keys and all(k["revoked_at"] for k in keys)  # the demo leaves no key behind
    assert process.stop() == 0
    before = len((process.folder / "out").read_text())
    process.start("run")
    again = process.said("Stop with", after=before)
    assert "Passwords" not in again and "as before" in again
    assert process.stop() == 0


def shown_in(shown: Any, found: Any) -> bool:
    """Whether an example that is shortened says what was found, but for times."""
    if isinstance(shown, dict):
        return all(key in found and (key.endswith(("_by", "_at")) or shown_in(shown[key], found[key])) for key in shown)
    if isinstance(shown, list):
        return len(shown) == len(found) and all(map(shown_in, shown, found))
    return bool(shown == found)


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_the_first_call_of_the_readme_is_answered_as_it_shows(folder: Path, process: Process) -> None:
    text, chinese = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh.md"))
    typed, shown = re.findall(r"```(?:json)?\n((?:export U=|\{).*?)```", text, re.DOTALL)
    assert typed in chinese and shown in chinese
    process.cli("seed", "ruiquan")
    process.start()
    here = typed.replace(":8000", f":{process.port}").replace(".venv/bin/hotline", f"{sys.executable} -m hotline.cli")
    env = {**os.environ, **process.env, "no_proxy": "127.0.0.1"}
    done = subprocess.run(["bash", "-euc", here], cwd=folder, env=env, capture_output=True, text=True, check=True)
    answered = json.loads(done.stdout)
    assert shown_in(json.loads(shown), answered), done.stdout
    assert process.stop() == 0


def on_a_terminal(process: Process, *command: str) -> str:
    """What a person reads who runs it."""
    reader, terminal = pty.openpty()
    env = {**os.environ, "HOTLINE_LOG_LEVEL": "error", **process.env}
    whole = [sys.executable, "-m", "hotline.cli", *command]
    running = subprocess.Popen(whole, env=env, cwd=process.folder, stdout=terminal, stderr=subprocess.PIPE)
    os.close(terminal)
    read = b""
    with contextlib.suppress(OSError):  # the end of a terminal
        while part := os.read(reader, 4096):
            read += part
    os.close(reader)
    assert running.communicate()[1] == b"" and running.returncode == 0
    return read.decode().replace("\r\n", "\n")


def test_the_first_people_are_shown_once_on_a_terminal_and_replace_their_passwords(process: Process) -> None:
    said = on_a_terminal(process, "setup")
    people = dict(re.findall(r"^(\w+) +(\S{16})  ", said, re.MULTILINE))
    assert list(people) == ["admin", "operator", "dispatcher", "supervisor", "auditor", "handler"]
    assert re.search(r"^handler .* handler of residents-affairs$", said, re.MULTILINE)
    assert on_a_terminal(process, "setup") == "nothing was missing\n"
    listed = [line.split("\t")[:3] for line in process.cli("user", "list").splitlines()]
    assert sorted(listed) == sorted([login, "first", login] for login in people)
    process.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{process.port}") as http:
        for login, password in people.items():
            reply = http.post("/v1/token", json={"login": login, "password": password})
            assert reply.json()["stage"] == "pending_password", login
        reset = dict(line.split("\t") for line in process.cli("user", "reset", "operator", "handler").splitlines())
        assert list(reset) == ["operator", "handler"]
        for login, expected in (("operator", 401), ("auditor", 200)):
            assert http.post("/v1/token", json={"login": login, "password": people[login]}).status_code == expected
        assert http.post("/v1/token", json={"login": "handler", "password": reset["handler"]}).status_code == 200
    assert process.stop() == 0
    kept = b"".join(path.read_bytes() for path in process.folder.rglob("*") if path.is_file())
    assert [login for login, password in people.items() if password.encode() in kept] == []


def test_the_wheel_works_alone_in_an_empty_folder(tmp_path: Path) -> None:
    built, home, empty = tmp_path / "dist", tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", built, ROOT],
        check=True,
        capture_output=True,
    )
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", home, *built.glob("*.whl")],
        check=True,
        capture_output=True,
    )
    env = {"PYTHONPATH": str(home)}
    where = subprocess.run(
        [sys.executable, "-c", "import hotline; print(hotline.__file__)"],
        cwd=empty,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(home) in where.stdout
    assert f"schema: {newest_revision(packaged_folder('migrations'))}" in interpreted(empty, "migrate", **env).stderr
    assert "version 1" in interpreted(empty, "seed", "ruiquan", **env).stderr
    process = Process({"HOTLINE_DATA_DIR": str(empty / "data"), **env}, empty, imported=False)
    process.start()
    assert process.stop() == 0


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("key", "create", "x", "--role", "king"), "unknown role: king"),
        (("key", "create", "x", "--role", "handler"), "a handler needs a department"),
        (("user", "add", "x", "--name", "X", "--role", "operator"), f"{MIN_LENGTH}-{MAX_LENGTH} characters"),
        (("seed", "nowhere"), "no seed at nowhere"),
        (("demo", "--url", "http://127.0.0.1:9"), "no server at"),
        (("migrate", "9999"), "9999"),
    ],
)
def test_a_wrong_command_says_what_is_wrong_without_a_traceback(args: tuple[str, ...], said: str, folder: Path) -> None:
    done = hotline(folder, *args, code=1, HOTLINE_PASSWORD="short")
    assert said in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


def test_wrong_settings_are_named(tmp_path: Path) -> None:
    done = hotline(tmp_path, "migrate", code=1, HOTLINE_PORT="many", HOTLINE_SECRET="short")
    assert "HOTLINE_PORT" in done.stderr and "HOTLINE_SECRET" in done.stderr and "short" not in done.stderr
    done = hotline(tmp_path, "migrate", code=1, HOTLINE_DATABASE_URL="mysql://x/y")
    assert "must begin with sqlite" in done.stderr


def test_serving_a_database_that_is_behind_is_refused(tmp_path: Path) -> None:
    done = interpreted(tmp_path, "serve", code=1)
    assert "hotline migrate" in done.stderr


def test_a_way_down_that_loses_data_is_refused_with_the_counts(folder: Path) -> None:
    hotline(folder, "seed", "ruiquan")
    secret = "secret"
    hotline(folder, "gateway", "add", "far", "--provider", "generic", "--secret", secret)
    refused = hotline(folder, "migrate", "0002", code=1).stderr
    assert "--lose-data" in refused and "gateway: 1 rows would be lost" in refused and "Traceback" not in refused
    assert "far" in hotline(folder, "gateway", "list").stdout  # nothing has happened
    assert "schema: 0002" in hotline(folder, "migrate", "0002", "--lose-data").stderr


def test_an_old_program_says_that_the_database_is_newer(folder: Path) -> None:
    """As after an upgrade by newer code: a revision this program has never heard of."""

    def stands_at(revision: str, oldest_code: str) -> None:
        with sqlite3.connect(folder / "data" / "hotline.db") as line:
            line.execute("UPDATE alembic_version SET version_num = ?", (revision,))
            line.execute("UPDATE schema_compatibility SET oldest_code = ?", (oldest_code,))

    known = newest_revision(packaged_folder("migrations"))
    truth = f"the database is at revision 9001, newer than this program (knows up to {known})"
    stands_at("9001", "9001")
    for command in (("serve", "--port", str(free_port())), ("work",), ("migrate",), ("migrate", "0004"), ("setup",)):
        said = hotline(folder, *command, code=1).stderr
        assert truth in said and "start the newer program" in said, (command, said)
        assert "Traceback" not in said and "hotline migrate" not in said
    assert truth in hotline(folder, "doctor", code=1).stdout
    stands_at("9001", known)  # newer code that ours may run beside
    assert truth in hotline(folder, "migrate").stderr
    assert truth in hotline(folder, "migrate", "0004", code=1).stderr
    process = Process({"HOTLINE_DATA_DIR": str(folder / "data")}, folder)
    process.cli("seed", "ruiquan")
    process.start()
    assert process.stop() == 0
