"""Cleans pictures of their metadata, one at a time and beside the event loop; what is shown again is cleaned once."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar
from uuid import uuid4

from hotline.storage.files import cleaned_path, stored_path
from hotline.storage.picture_metadata import without_metadata

P = ParamSpec("P")
R = TypeVar("R")
_THREAD = ThreadPoolExecutor(1, thread_name_prefix="pictures")  # several would make the event loop wait for all


async def clean_picture(data: bytes, media_type: str) -> bytes:
    """The picture without its metadata. Raises ValueError for what is no picture of this type."""
    return await _beside(without_metadata, data, media_type)


async def read_cleaned(folder: Path, sha256: str, media_type: str) -> bytes:
    """A stored picture without its metadata, kept beside it from the first time on. Raises FileNotFoundError where it
    is not stored (any more), and ValueError where it is no picture of this type."""
    return await _beside(_read_cleaned, folder, sha256, media_type)


async def _beside(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    return await asyncio.get_running_loop().run_in_executor(_THREAD, lambda: work(*args, **kwargs))


def _read_cleaned(folder: Path, sha256: str, media_type: str) -> bytes:
    original, kept = stored_path(folder, sha256), cleaned_path(folder, sha256)
    if original.exists() and kept.exists():
        return kept.read_bytes()
    cleaned = without_metadata(original.read_bytes(), media_type)
    kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary_path = kept.parent / f"fresh-{uuid4().hex}"
    try:
        with os.fdopen(os.open(temporary_path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as out:
            out.write(cleaned)
        os.replace(temporary_path, kept)
    except OSError:  # no room for a copy: it is cleaned again the next time
        temporary_path.unlink(missing_ok=True)
    if not original.exists():  # deleted, or found infected, meanwhile
        kept.unlink(missing_ok=True)
        raise FileNotFoundError(sha256)
    return cleaned
