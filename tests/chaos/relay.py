"""A wire between two processes that a test can break: it swallows what is sent, or loses answers."""

import socket
import threading
from contextlib import suppress


class Losses:
    """Answers still to be lost, whichever relay they come by."""

    def __init__(self) -> None:
        self._start, self._left, self._lock = b"", 0, threading.Lock()

    def next(self, start: str) -> None:
        """Lose the answer to the next request that begins like this."""
        with self._lock:
            self._start, self._left = start.encode(), 1

    def take(self, request: bytes) -> bool:
        with self._lock:
            taken = self._left > 0 and request.startswith(self._start)
            self._left -= taken
            return taken


class Relay:
    """Listens on `port` and carries every connection to `target`. `swallow()`: connections are accepted and nothing is
    carried any more, in either direction, until `carry()`. A request that is in `losses` is carried, and cut when its
    answer begins. `heads`: how every connection began."""

    def __init__(self, target: int, losses: Losses | None = None) -> None:
        self.target, self.losses = target, losses or Losses()
        self.heads: list[bytes] = []
        self._open = threading.Event()
        self._open.set()
        self._lock = threading.Lock()
        self._ends: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._run(self._accept)

    def __enter__(self) -> "Relay":
        return self

    def __exit__(self, *_: object) -> None:
        self._open.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for end in self._ends:
                self._shut(end)
        for thread in self._threads:
            thread.join(10)
        for end in self._ends:
            end.close()

    def swallow(self) -> None:
        self._open.clear()

    def carry(self) -> None:
        self._open.set()

    def requests(self, start: str) -> int:
        """How many requests beginning like this were carried so far."""
        return sum(1 for head in self.heads if head.startswith(start.encode()))

    def _run(self, work: object, *args: object) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._ends.append(near)
            self._run(self._connection, near)

    def _connection(self, near: socket.socket) -> None:
        self._open.wait()
        try:
            far = socket.create_connection(("127.0.0.1", self.target), 5)
        except OSError:
            self._shut(near)
            return
        far.settimeout(None)
        with self._lock:
            self._ends.append(far)
        lost = threading.Event()
        self._run(self._pump, near, far, lost, True)
        self._pump(far, near, lost, False)

    def _pump(self, source: socket.socket, sink: socket.socket, lost: threading.Event, out: bool) -> None:
        try:
            first = True
            while data := source.recv(65536):
                self._open.wait()
                if out and first:
                    self.heads.append(data)
                    if self.losses.take(data):
                        lost.set()
                if not out and lost.is_set():
                    break
                first = False
                sink.sendall(data)
        except OSError:
            pass
        self._shut(source)
        self._shut(sink)

    @staticmethod
    def _shut(end: socket.socket) -> None:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
