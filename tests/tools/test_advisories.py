"""A locked version that an advisory names is found, in every form advisories have; what is mended is not."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tools import advisories
from tools.advisories import find_affected, main, read_locked


def advisory(ident: str, package: str, ecosystem: str = "PyPI", **affected: Any) -> dict[str, Any]:
    entry = {"package": {"name": package, "ecosystem": ecosystem}, **affected}
    return {"id": ident, "summary": "it can be\nread", "affected": [entry]}


def fixed_in(*events: dict[str, str], kind: str = "ECOSYSTEM") -> dict[str, Any]:
    return {"ranges": [{"type": kind, "events": list(events)}]}


@pytest.fixture
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that locks a server at 2.4.1 and, for development alone, a tool at 7.0."""
    (tmp_path / "requirements.lock").write_text("Web.Server==2.4.1 \\\n    --hash=sha256:aa\n")
    (tmp_path / "requirements-dev.lock").write_text(
        'web-server==2.4.1 ; sys_platform != "win32" \\\n    --hash=sha256:aa\ntool==7.0 \\\n    --hash=sha256:bb\n'
    )
    monkeypatch.setattr(advisories, "read_locked", lambda: read_locked(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("affected", "hit"),
    [
        (fixed_in({"introduced": "0"}, {"fixed": "2.4.2"}), True),
        (fixed_in({"introduced": "0"}, {"fixed": "2.4.1"}), False),
        (fixed_in({"introduced": "2.4.1"}), True),
        (fixed_in({"introduced": "2.5"}), False),
        (fixed_in({"introduced": "0"}, {"last_affected": "2.4.1"}), True),
        (fixed_in({"introduced": "0"}, {"last_affected": "2.4.0"}), False),
        # mended in 1.9, broken again in 2.3, in any order
        (fixed_in({"fixed": "2.5"}, {"introduced": "0"}, {"introduced": "2.3"}, {"fixed": "1.9"}), True),
        (fixed_in({"introduced": "0"}, {"fixed": "1.9"}, {"introduced": "2.5"}), False),
        (fixed_in({"introduced": "0"}, {"fixed": "2.0-final.x"}), True),  # unreadable: it ends nothing
        (fixed_in({"introduced": "unreadable"}, {"last_affected": "2.x"}), True),
        ({"versions": ["2.4.1"]}, True),
        ({"versions": ["2.4.01", "nonsense"]}, True),  # the same version, as PEP 440 reads it
        ({"versions": ["2.4.10"]}, False),
        ({}, True),  # it names no version: all of them
        (fixed_in({"introduced": "0"}, kind="GIT"), False),  # commits are no versions; these come with a list
    ],
)
def test_a_version_is_affected_as_the_format_says(locks: Path, affected: dict[str, Any], hit: bool) -> None:
    found, read = find_affected([advisory("A-1", "web_server", **affected)], read_locked(locks))
    assert read == 1
    assert [(one.name, one.version, one.locks) for one in found] == (
        [("web-server", "2.4.1", ("requirements-dev.lock", "requirements.lock"))] if hit else []
    )


def test_withdrawn_ones_and_those_of_other_worlds_are_passed_over(locks: Path) -> None:
    told = [
        {**advisory("A-1", "tool"), "withdrawn": "2026-01-01T00:00:00Z"},
        advisory("A-2", "tool", ecosystem="npm"),
        advisory("A-3", "unlocked"),
    ]
    assert find_affected(told, read_locked(locks)) == ([], 3)


@pytest.mark.parametrize("form", ["zip", "folder", "one", "list", "lines"])
def test_it_reads_exports_as_they_are_published(
    locks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    told = [advisory("A-1", "Tool"), advisory("A-2", "unlocked")]
    path = tmp_path / f"export.{form}"
    if form == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for one in told:
                archive.writestr(f"{one['id']}.json", json.dumps(one))
    elif form == "folder":
        path.mkdir()
        for one in told:
            (path / f"{one['id']}.json").write_text(json.dumps(one))
    else:
        texts = {
            "one": json.dumps(told[0], indent=1),
            "list": json.dumps(told),
            "lines": "\n".join(map(json.dumps, told)),
        }
        path.write_text(texts[form])
    assert main([str(path)]) == 1
    assert "tool 7.0: A-1 it can be read (requirements-dev.lock)" in capsys.readouterr().out


def test_nothing_found_is_0_and_what_cannot_be_read_is_never_taken_for_it(
    locks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "export.json"
    path.write_text(json.dumps(advisory("A-9", "unlocked")))
    assert main([str(path)]) == 0
    assert "0 affected of 2 locked versions; 1 advisories read" in capsys.readouterr().out
    for text in ("[]", "{", '{"rows": []}', "5"):
        path.write_text(text)
        assert main([str(path)]) == 2, text
    assert main([str(tmp_path / "none.json")]) == 2


def test_every_lock_file_of_the_project_is_read() -> None:
    locked = read_locked()
    assert "requirements.lock" in next(iter(locked["fastapi"].values()))
    assert any("requirements-sbom.lock" in files for files in locked["cyclonedx-bom"].values())
