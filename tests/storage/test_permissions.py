"""Callers' data on disk is for its owner alone, whatever the umask and whatever stood there before."""

import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hotline.inbound.spool import Spool
from hotline.operations.doctor import run_checks
from hotline.operations.findings import Finding
from hotline.settings import Settings
from hotline.storage.permissions import make_private
from hotline.tickets.context import Services
from hotline.wiring import migrate, open_services
from tests import fork_server
from tests.chaos.server import Process
from tests.conftest import Clock, Player
from tests.tickets.test_attachments import PNG


def open_to_others(root: Path) -> list[str]:
    return [
        f"{stat.S_IMODE(path.lstat().st_mode):o} {path}"
        for path in (root, *root.rglob("*"))
        if path.lstat().st_mode & 0o077 and not path.is_symlink()
    ]


def everything_open(root: Path) -> None:
    for path in (root, *root.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)


@pytest.fixture
def loose() -> Any:
    """A umask that closes nothing."""
    before = os.umask(0)
    yield
    os.umask(before)


def hotline(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    before = os.umask(0)
    try:
        return fork_server.run([*args], env={**os.environ, "HOTLINE_DATA_DIR": str(folder)}, cwd=folder.parent)
    finally:
        os.umask(before)


def test_what_a_command_writes_is_closed_also_where_the_folder_stood_open_before(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o755)
    assert hotline(data, "setup").returncode == 0
    assert (data / "hotline.db").exists() and open_to_others(data) == []
    (data / "files/ab").mkdir(parents=True)
    (data / "files/ab/abc").write_bytes(b"x")
    (data / "spool").mkdir(exist_ok=True)
    everything_open(data)
    assert hotline(data, "setup").returncode == 0
    assert open_to_others(data) == []


def test_what_a_server_writes_is_closed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    everything_open(data)
    process = Process({"HOTLINE_DATA_DIR": str(data)}, tmp_path)
    before = os.umask(0)
    try:
        process.start("run")
    finally:
        os.umask(before)
    process.said("Stop with")
    try:
        assert (data / "hotline.db-wal").exists() and open_to_others(data) == []
    finally:
        process.kill()


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
async def test_files_and_the_spool_are_closed_whatever_the_umask(
    services: Services, desk: Player, lift_ticket: dict[str, Any], clock: Clock, loose: None
) -> None:
    upload = {"file": ("a.png", PNG, "image/png")}
    sent = await desk.http.post(f"/v1/tickets/{lift_ticket['number']}/attachments", files=upload)
    assert sent.status_code == 201 and open_to_others(services.files) == []
    spool = Spool(services.files.parent / "spool", services.secret)
    await spool.append({"a": 1}, clock())
    spool.close()

    async def refuse(record: Any) -> None:
        raise ValueError

    await spool.drain(refuse)
    assert spool.count_bad_files() == 1 and open_to_others(spool.folder) == []


async def test_a_database_is_closed_whatever_the_umask_and_wherever_it_lies(tmp_path: Path, loose: None) -> None:
    settings = Settings(data_dir=tmp_path / "data", database_url=f"sqlite:///{tmp_path}/elsewhere/h.db")
    await migrate(settings)
    for path in (tmp_path / "elsewhere").iterdir():
        path.chmod(0o644)
    async with open_services(settings):
        assert open_to_others(tmp_path / "elsewhere") == [] and open_to_others(tmp_path / "data") == []


def test_a_folder_that_others_use_too_is_left_and_our_files_in_it_are_closed(tmp_path: Path) -> None:
    for name in ("somebody-elses", "files"):
        (tmp_path / name).mkdir()
    (tmp_path / "hotline.db").touch()
    (tmp_path / "theirs.txt").touch()
    everything_open(tmp_path)
    make_private(tmp_path)
    left = {line.rpartition("/")[2] for line in open_to_others(tmp_path)}
    assert left == {tmp_path.name, "somebody-elses", "theirs.txt"}
    sticky = tmp_path / "somebody-elses"
    sticky.chmod(0o1777)
    make_private(sticky)
    assert stat.S_IMODE(sticky.stat().st_mode) == 0o1777


def test_the_doctor_names_what_others_may_read_and_closes_nothing_itself(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert hotline(data, "setup").returncode == 0
    (data / "hotline.db").chmod(0o644)
    for _ in range(2):
        said = hotline(data, "doctor")
        assert said.returncode == 1 and f"chmod go= {data}/hotline.db" in said.stdout


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", ["hotline.db-wal", "secret", "files", "files/ab", "spool", "exports", "spool/x.spool"])
async def test_the_doctor_looks_at_everything_that_holds_data(
    name: str, services: Services, clock: Clock, tmp_path: Path
) -> None:
    services.data_dir = tmp_path / "data"
    path = services.data_dir / name
    path.parent.mkdir(parents=True)
    path.touch() if "." in name or name == "secret" else path.mkdir()
    make_private(services.data_dir)
    assert (await permissions_of(services, clock)).says == "only the owner can read the data"
    path.chmod(0o755 if path.is_dir() else 0o644)
    found = await permissions_of(services, clock)
    assert found.wrong and f"chmod go= {path}" in found.says


async def permissions_of(services: Services, clock: Clock) -> Finding:
    return {f.check: f for f in await run_checks(services, clock())}["permissions"]


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
async def test_the_doctor_tells_of_an_open_folder(services: Services, clock: Clock, tmp_path: Path) -> None:
    services.data_dir = tmp_path / "data"
    services.data_dir.mkdir(mode=0o755)
    found = await permissions_of(services, clock)
    assert found.wrong and f"chmod -R go= {services.data_dir}" in found.says and found.says_zh
    (services.data_dir / "somebody-elses").mkdir()
    found = await permissions_of(services, clock)
    assert found.warns and not found.wrong and "folder of its own" in found.says
