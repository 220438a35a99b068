"""Compares the lock files with advisories in OSV format: `python -m tools.advisories FILE ...`. FILE: a .zip of JSON
files, such as the export of PyPI, a folder of them, one JSON file, or JSON lines. Asks no network. Exits 1 where a
locked version is affected, 2 where a file cannot be read or holds no advisory."""

import json
import re
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).parent.parent
Locked = Mapping[str, Mapping[str, tuple[str, ...]]]  # by canonical name and version: the lock files that hold it
_LOCKED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)
_EARLIEST = Version("0.dev0")


@dataclass(frozen=True, order=True, slots=True)
class AffectedPackage:
    """A locked version that an advisory names. `locks`: the files that hold it."""

    name: str
    version: str
    advisory: str
    summary: str
    locks: tuple[str, ...]


def read_advisories(path: Path) -> Iterator[Mapping[str, Any]]:
    """Each advisory of a file or folder. Raises ValueError where something in it is none."""
    if path.is_dir():
        for file in sorted(path.rglob("*.json")):
            yield from _parse(file.read_bytes())
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith(".json"):
                    yield from _parse(archive.read(name))
    else:
        yield from _parse(path.read_bytes())


def _parse(data: bytes) -> Iterator[Mapping[str, Any]]:
    """One object, a list of them, or one on each line."""
    try:
        found = json.loads(data)
    except ValueError:
        found = [json.loads(line) for line in data.splitlines() if line.strip()]
    for one in found if isinstance(found, list) else [found]:
        if not isinstance(one, Mapping) or "id" not in one:
            raise ValueError("not an advisory in OSV format")
        yield one


def read_locked(root: Path = ROOT) -> Locked:
    """What the lock files hold."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for lock in sorted(root.glob("requirements*.lock")):
        for name, version in _LOCKED.findall(lock.read_text(encoding="utf-8")):
            versions = found.setdefault(canonicalize_name(name), {})
            versions[version] = (*versions.get(version, ()), lock.name)
    return found


def is_affected(version: Version, affected: Mapping[str, Any]) -> bool:
    """Whether one of an advisory's `affected` entries holds for the version: listed, or within one of its ranges. An
    entry that names neither means all versions."""
    listed, ranges = affected.get("versions") or (), affected.get("ranges") or ()
    if any(_parse_version(text) == version for text in listed):
        return True
    counted = [one for one in ranges if one.get("type") in ("ECOSYSTEM", "SEMVER")]
    return any(_is_within(version, one.get("events") or ()) for one in counted) or not (listed or ranges)


def _is_within(version: Version, events: Iterable[Mapping[str, str]]) -> bool:
    """The last event in order that is not beyond the version says whether the version is affected."""
    inside = False
    for bound, what in sorted(_read_events(events), key=_in_order):
        if what == "introduced" and version >= bound:
            inside = True
        elif (what == "fixed" and version >= bound) or (what == "last_affected" and version > bound):
            inside = False
    return inside


def _read_events(events: Iterable[Mapping[str, str]]) -> Iterator[tuple[Version, str]]:
    """What cannot be read as a version begins a range early and never ends one: better an alarm too many than one too
    few."""
    for event in events:
        for what, text in event.items():
            bound = None if text == "0" else _parse_version(text)  # "0" is before every version
            if bound is not None or what == "introduced":
                yield bound or _EARLIEST, what


def _in_order(event: tuple[Version, str]) -> tuple[Version, bool]:
    return event[0], event[1] != "introduced"


def _parse_version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def find_affected(advisories: Iterable[Mapping[str, Any]], locked: Locked) -> tuple[list[AffectedPackage], int]:
    """The locked versions that are affected, sorted, and how many advisories were read, withdrawn ones among them."""
    found: set[AffectedPackage] = set()
    read = 0
    for advisory in advisories:
        read += 1
        for affected in () if advisory.get("withdrawn") else advisory.get("affected") or ():
            package = affected.get("package") or {}
            name = canonicalize_name(package.get("name") or "")
            for version, locks in locked.get(name, {}).items() if package.get("ecosystem") == "PyPI" else ():
                if is_affected(Version(version), affected):
                    summary = " ".join(str(advisory.get("summary") or "").split())
                    found.add(AffectedPackage(name, version, advisory["id"], summary, locks))
    return sorted(found), read


def main(paths: Sequence[str]) -> int:
    locked, affected, read = read_locked(), list[AffectedPackage](), 0
    for path in paths:
        try:
            more, count = find_affected(read_advisories(Path(path)), locked)
        except (OSError, ValueError, zipfile.BadZipFile) as fault:
            print(f"{path}: {type(fault).__name__}: {fault}", file=sys.stderr)
            return 2
        affected, read = affected + more, read + count
    if not read:
        print("no advisory was read", file=sys.stderr)
        return 2
    for one in affected:
        print(f"{one.name} {one.version}: {one.advisory} {one.summary} ({', '.join(one.locks)})")
    print(f"{len(affected)} affected of {sum(map(len, locked.values()))} locked versions; {read} advisories read")
    return 1 if affected else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
