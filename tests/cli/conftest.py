"""A data folder, and a server, for commands."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.server import Process
from tests.cli.commands import hotline


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder as `hotline migrate` leaves it."""
    folder = tmp_path_factory.mktemp("migrated")
    hotline(folder, "migrate")
    return folder / "data"


@pytest.fixture
def folder(tmp_path: Path, migrated: Path) -> Path:
    shutil.copytree(migrated, tmp_path / "data")
    return tmp_path


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    made = Process({"HOTLINE_DATA_DIR": str(tmp_path / "data"), "PYTHONUNBUFFERED": "1"}, tmp_path)
    yield made
    if made.running is not None and made.running.poll() is None:
        made.kill()
