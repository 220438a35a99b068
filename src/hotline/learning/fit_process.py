"""Fits in a process of its own, because scikit-learn takes 100 MB and all of a processor: neither is the API's to
spend. That process opens no database."""

import asyncio
import base64
import os
import sys
from dataclasses import asdict
from typing import Any

import orjson
from pydantic import TypeAdapter

from hotline.learning.model.training import FitResult, FitTask

LONGEST = 1200.0  # seconds
# one thread of the linear algebra: several wait for each other on a busy machine
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
_TASK, _RESULT = TypeAdapter(FitTask), TypeAdapter(FitResult)


def encode_task(task: FitTask) -> bytes:
    return orjson.dumps(asdict(task))


def decode_task(data: bytes) -> FitTask:
    return _TASK.validate_json(data)


def encode_result(result: FitResult) -> bytes:
    return orjson.dumps({**asdict(result), "arrays": base64.b64encode(result.arrays).decode()})


def decode_result(data: bytes) -> FitResult:
    found: dict[str, Any] = orjson.loads(data)
    return _RESULT.validate_python({**found, "arrays": base64.b64decode(found["arrays"])})


async def fit_apart(task: FitTask) -> FitResult:
    """Fit, and wait for it. Raises RuntimeError with the end of what the process said, where it failed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hotline.learning.fitting"),
        env={**os.environ, **ONE_THREAD},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(LONGEST):
            output, errors = await process.communicate(encode_task(task))
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode != 0:
        raise RuntimeError(f"fitting failed: {errors.decode(errors='replace')[-500:]}")
    return decode_result(output)
