"""The floor under the stream: a bare ASGI app that pushes one text to everybody who listens, in a loop over `send`.

python -m bench.pushing PORT
"""

import asyncio
import sys
from typing import Any

import uvicorn

EVERYBODY: set[Any] = set()
LINE = b'id: 1\nevent: ticket\ndata: {"number":"%s","pad":"' + b"x" * 420 + b'"}\n\n'


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    if scope["method"] == "POST":  # answered first, as a commit is; then pushed
        data = (await receive())["body"]
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"{}"})
        text = LINE.replace(b"%s", data)
        for push in list(EVERYBODY):
            await push({"type": "http.response.body", "body": text, "more_body": True})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    await send({"type": "http.response.body", "body": b"event: hello\ndata: {}\n\n", "more_body": True})
    EVERYBODY.add(send)
    try:
        while (await receive())["type"] != "http.disconnect":
            pass
    finally:
        EVERYBODY.discard(send)


if __name__ == "__main__":
    config = uvicorn.Config(app, port=int(sys.argv[1]), log_level="error", access_log=False, lifespan="off")
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as loop:
        loop.run(uvicorn.Server(config).serve())
