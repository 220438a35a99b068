"""Fits in a process of its own, because scikit-learn takes 100 MB and all of a processor: neither is the API's to
spend. That process opens no database."""

import asyncio
import sys
from dataclasses import replace

from pydantic import TypeAdapter

from hotline.learning.model.training import FitResult, FitTask

LONGEST = 1200.0  # seconds
_TASK, _RESULT = TypeAdapter(FitTask), TypeAdapter(FitResult)


def encode_task(task: FitTask) -> bytes:
    return _TASK.dump_json(task)


def decode_task(data: bytes) -> FitTask:
    return _TASK.validate_json(data)


def encode_result(result: FitResult) -> bytes:
    """One line of JSON without the arrays, then the arrays."""
    return _RESULT.dump_json(replace(result, arrays=b"")) + b"\n" + result.arrays


def decode_result(data: bytes) -> FitResult:
    line, _, arrays = data.partition(b"\n")
    return replace(_RESULT.validate_json(line), arrays=arrays)


async def fit_apart(task: FitTask) -> FitResult:
    """Fit, and wait for it. Raises RuntimeError with the end of what the process said, where it failed."""
    data = await asyncio.to_thread(encode_task, task)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hotline.learning.fitting"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(LONGEST):
            output, errors = await process.communicate(data)
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode != 0:
        raise RuntimeError(f"fitting failed: {errors.decode(errors='replace')[-500:]}")
    return await asyncio.to_thread(decode_result, output)
