"""The benchmark measures acts, not the correction of its own fill."""

import pytest

from bench.harness import disagreeing, filled
from tests.postgres import Server


async def test_orders_of_the_benchmark_agree_with_their_clocks(postgres_server: Server | None) -> None:
    if postgres_server is None:
        pytest.skip("no PostgreSQL on this machine")
    url = postgres_server.fresh("bench_fill")
    await filled(url, 60)
    assert await disagreeing(url, 20) == []
