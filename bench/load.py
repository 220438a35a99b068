"""The client: raw sockets, prebuilt requests, N connections in a process of its own. Prints one JSON line.

python -m bench.load PORT KEY WORK CONNECTIONS SECONDS SEED FILE — bounded in time, loopback only.
"""

import asyncio
import json
import random
import sys
import time
from pathlib import Path
from typing import Any

import uvloop

WORDS = ("3栋电梯坏了不动了", "9栋停水了水压低", "路灯不亮黑黢黢的", "垃圾桶满了没人收", "阴沟堵了污水冒出来")
TAIL = (
    "，住户反映已经有一段时间，希望尽快安排人员上门处理，联系不上物业，老人小孩出行不便，请记录并回电告知进展情况，谢谢。"
    * 3
)
CATEGORIES = ("dt-fault", "sdq-water", "wx-light", "hj-rubbish", "hj-sewer")


def request(method: str, path: str, key: str, body: bytes = b"", extra: str = "") -> bytes:
    kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body or method == "POST" else ""
    return f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n{extra}{kind}\r\n".encode() + body


class Work:
    """What each connection sends, and what it learns from the answer."""

    def __init__(self, name: str, key: str, seed: int, lines: list[Any]) -> None:
        self.name, self.key, self.lines = name, key, lines
        self.random = random.Random(seed)
        self.versions: dict[str, str] = {}
        self.at = 0
        self.sent = 0

    def next(self) -> tuple[bytes, str]:
        self.sent += 1
        r = self.random
        if self.name == "intake":
            n = r.randrange(len(WORDS))
            body = {
                "channel": "phone",
                "caller": {"phone": f"138{r.randrange(10**8):08d}", "name": "王秀英"},
                "narrative": f"{WORDS[n]}{TAIL}",
                "location": {"address": f"{r.randrange(1, 29)}栋2单元"},
                "category": CATEGORIES[n],
            }
            data = json.dumps(body, ensure_ascii=False).encode()
            return request(
                "POST", "/v1/calls", self.key, data, f"Idempotency-Key: b-{id(self)}-{self.sent}-{r.random()}\r\n"
            ), ""
        if self.name == "transition":
            self.at = (self.at + 1) % len(self.lines)
            number = self.lines[self.at]
            version = self.versions.get(number, "1")
            extra = f'If-Match: "{version}"\r\nIdempotency-Key: t-{id(self)}-{self.sent}-{r.random()}\r\n'
            return request(
                "POST", f"/v1/tickets/{number}/actions/urge", self.key, '{"reason":"居民再次来电催问"}'.encode(), extra
            ), number
        line = r.choice(self.lines)
        # read anew each time; "watch": kept pages do
        fresh = "Cache-Control: no-cache\r\n" if self.name == "queue" else ""
        return request("GET", line, self.key, extra=fresh), ""


async def connection(port: int, work: Work, until: float, taken: list[float], failed: list[str]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < until:
        data, number = work.next()
        begun = time.perf_counter()
        writer.write(data)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        taken.append(time.perf_counter() - begun)
        if head[9:10] != b"2":
            failed.append(f"{head[9:12].decode()} {body[:200].decode(errors='replace')}")
        elif number:
            work.versions[number] = head.lower().split(b"etag:")[1].split(b"\r\n")[0].strip().strip(b'"').decode()
    writer.close()


async def main() -> None:
    port, key, name, connections, seconds, seed, file = sys.argv[1:8]
    lines = json.loads(Path(file).read_text()) if file != "-" else []
    share = max(1, len(lines) // int(connections)) if name == "transition" else 0
    works = [
        Work(name, key, int(seed) * 1000 + n, lines[n * share : (n + 1) * share] if share else lines)
        for n in range(int(connections))
    ]
    taken: list[float] = []
    failed: list[str] = []
    begun = time.perf_counter()
    until = begun + float(seconds)
    await asyncio.gather(*(connection(int(port), w, until, taken, failed) for w in works))
    spent = time.perf_counter() - begun
    taken.sort()
    print(
        json.dumps(
            {
                "rate": len(taken) / spent,
                "n": len(taken),
                "failed": len(failed),
                "first": failed[:1],
                "p50": taken[len(taken) // 2] * 1000 if taken else 0,
                "p99": taken[int(len(taken) * 0.99)] * 1000 if taken else 0,
                "cpu": time.process_time(),
            }
        )
    )


if __name__ == "__main__":
    uvloop.run(main())
