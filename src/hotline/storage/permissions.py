"""Residents' data on disk is for its owner alone: folders 0700, files 0600, whatever was there before."""

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

OTHERS_MASK = 0o077  # what neither the group nor others may
OWN_FOLDERS = frozenset({"files", "exports", "spool", "lost+found"})  # folders within the data folder
DATABASE_SUFFIXES = ("", "-wal", "-shm", "-journal")  # what SQLite keeps beside a database file


def make_private(folder: Path) -> None:
    """Make the data folder, or take from it what others may, with all that is in it. Left as it is: what belongs to
    another user, and a folder that others use too (`is_shared`), where our own files are closed all the same."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _restrict(folder, shared=is_shared(folder))
    for path in _entries(folder):
        if path.is_dir() and not path.is_symlink():
            if path.name in OWN_FOLDERS:
                _restrict_tree(path)
        elif _is_ours(path):
            _restrict(path)


def is_shared(folder: Path) -> bool:
    """Whether a folder is for others too: of another user, one like /tmp, or one with folders in it that are none of
    ours."""
    about = folder.stat()
    if about.st_uid != os.geteuid() or about.st_mode & stat.S_ISVTX:
        return True
    return any(
        path.is_dir() and path.name not in OWN_FOLDERS and not path.name.startswith(".") for path in _entries(folder)
    )


def make_database_private(path: Path) -> None:
    """A database file that only its owner may read, before SQLite opens it; what stands beside it too."""
    if not path.exists():
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    for name in DATABASE_SUFFIXES:
        _restrict(path.with_name(path.name + name))


def exposed_paths(folder: Path | None, database: Path | None) -> list[Path]:
    """What others may read of the data folder, its folders, the files in it and the database; the folder first."""
    paths: list[Path] = []
    if folder is not None:
        within = [p for p in _entries(folder) if _is_ours(p)]
        paths += [folder, *within, *(p for sub in within if sub.is_dir() for p in _entries(sub))]
    if database is not None:
        paths += [database.with_name(database.name + name) for name in DATABASE_SUFFIXES]
    return [path for path in dict.fromkeys(paths) if _mode(path) & OTHERS_MASK]


def _is_ours(path: Path) -> bool:
    return path.name in OWN_FOLDERS or path.name.startswith(("hotline.db", "secret"))


def _restrict_tree(folder: Path) -> None:
    """A folder of ours. What lies deeper than a folder that was closed already is out of reach."""
    pending = [(folder, 0)]
    while pending:
        at, depth = pending.pop()
        was_open = bool(_mode(at) & OTHERS_MASK)
        _restrict(at)
        if not was_open and depth > 0:
            continue
        for path in _entries(at):
            if path.is_symlink():
                continue
            if path.is_dir():
                pending.append((path, 0 if was_open else depth + 1))
            elif was_open or depth == 0:
                _restrict(path)


def _restrict(path: Path, *, shared: bool = False) -> None:
    mode = _mode(path)
    if mode & OTHERS_MASK and not shared:
        with contextlib.suppress(OSError):  # another user's: `hotline doctor` reports it
            path.chmod(mode & ~OTHERS_MASK)


def _mode(path: Path) -> int:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0


def _entries(folder: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from folder.iterdir()


def format_paths(paths: Iterable[Path]) -> str:
    """Paths as a message names them, the first five."""
    listed = [str(path) for path in paths]
    return ", ".join(listed[:5]) + (" …" if len(listed) > 5 else "")
