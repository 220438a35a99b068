"""The file that holds the secret where no setting names one: the current one in its first line, below it others that
are accepted: earlier ones, or the next one, which is marked. And others as a setting names them."""

import contextlib
import json
import os
import secrets
from pathlib import Path

_NEXT = "next: "  # before a secret that is accepted and seals nothing yet


def parse_secrets(text: str) -> list[str]:
    """Secrets separated by commas, or a JSON list of them. Raises ValueError where it begins as a list and is none."""
    if not text.lstrip().startswith("["):
        return [each.strip() for each in text.split(",") if each.strip()]
    found = json.loads(text)
    if not all(isinstance(each, str) for each in found):
        raise ValueError("a list of texts")
    return list(found)


def read_secret_file(path: Path) -> list[bytes]:
    """The secrets, the current one first; made on first use."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # callers' data: for its owner alone
        fresh = _write_beside(path, [_new_secret()])
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(fresh)  # two processes starting at once agree on one
        fresh.unlink()
    return [line.removeprefix(_NEXT).encode() for line in _lines(path)]


def _lines(path: Path) -> list[str]:
    return [line.strip() for line in path.read_text().splitlines() if line.strip()]


def has_next_secret(path: Path) -> bool:
    """Whether a secret is accepted that is not in use yet."""
    return any(line.startswith(_NEXT) for line in _lines(path))


def add_next_secret(path: Path) -> None:
    """Add a new secret that is accepted and seals nothing yet: a process that has not read it could not open that."""
    _replace(path, [*_lines(path), _NEXT + _new_secret()])


def use_next_secret(path: Path) -> None:
    """Make the next secret the current one. What was sealed with the others stays readable."""
    lines = _lines(path)
    fresh = [line.removeprefix(_NEXT) for line in lines if line.startswith(_NEXT)]
    _replace(path, [*fresh, *(line for line in lines if not line.startswith(_NEXT))])


def drop_other_secrets(path: Path) -> int:
    """Keep the current secret alone; how many were dropped, the next one too."""
    current, *earlier = read_secret_file(path)
    _replace(path, [current.decode()])
    return len(earlier)


def _new_secret() -> str:
    return secrets.token_urlsafe(48)


def _write_beside(path: Path, lines: list[str]) -> Path:
    fresh = path.with_suffix(f".{secrets.token_hex(4)}")
    with os.fdopen(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as out:
        out.write("\n".join(lines))
        out.flush()
        os.fsync(out.fileno())
    return fresh


def _replace(path: Path, lines: list[str]) -> None:
    os.replace(_write_beside(path, lines), path)
