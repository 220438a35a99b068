"""The file that holds the secret where no setting names one: the current one in its first line, earlier ones below.
And earlier ones as a setting names them."""

import contextlib
import json
import os
import secrets
from pathlib import Path


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
    return [line.strip().encode() for line in path.read_text().splitlines() if line.strip()]


def add_secret(path: Path) -> None:
    """Put a new secret before those of the file. What was sealed with them stays readable."""
    _replace(path, [_new_secret(), *(each.decode() for each in read_secret_file(path))])


def drop_earlier_secrets(path: Path) -> int:
    """Keep the current secret alone; how many were dropped."""
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
