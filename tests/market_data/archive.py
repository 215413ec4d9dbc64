"""A small HTTP server on this machine that behaves as badly as it is told to, and a clock that nobody waits for."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FakeClock:
    """Time that passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.sleeps: list[float] = []

    def now_s(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds


@dataclass
class Archive:
    """What the server has, and what it does instead of giving it: one behaviour a request, then none."""

    files: dict[str, bytes] = field(default_factory=dict)
    behaviours: dict[str, list[Callable[["Handler"], None]]] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)  # path, Range header
    etag: str = '"1"'
    ranges: bool = True
    port: int = 0

    def url(self, path: str = "") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def put(self, path: str, body: bytes) -> str:
        """Add a file and its checksum file; return the SHA-256."""
        digest = hashlib.sha256(body).hexdigest()
        self.files[path] = body
        self.files[f"{path}.CHECKSUM"] = f"{digest}  {path.rpartition('/')[2]}\n".encode()
        return digest

    def then(self, path: str, *behaviours: Callable[["Handler"], None]) -> None:
        self.behaviours.setdefault(path, []).extend(behaviours)

    def asked(self, path: str) -> list[str]:
        """Return the Range headers of the requests for a path."""
        return [wanted for asked, wanted in self.requests if asked == path]


class Handler(BaseHTTPRequestHandler):
    """Gives files with ETag and ranges, unless a behaviour comes first."""

    protocol_version = "HTTP/1.1"
    archive: Archive

    def do_GET(self) -> None:
        wanted = self.headers.get("Range", "")
        self.archive.requests.append((self.path, wanted))
        waiting = self.archive.behaviours.get(self.path)
        if waiting:
            waiting.pop(0)(self)
            return
        body = self.archive.files.get(self.path)
        if body is None:
            status(404)(self)
            return
        same = self.headers.get("If-Range", self.archive.etag) == self.archive.etag
        start = int(wanted.removeprefix("bytes=").partition("-")[0]) if wanted else 0
        if self.archive.ranges and wanted and same:
            if start >= len(body):
                self.answer(416, b"", {"Content-Range": f"bytes */{len(body)}"})
                return
            self.answer(206, body[start:], {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"})
            return
        self.answer(200, body)

    def answer(
        self, code: int, body: bytes, headers: dict[str, str] | None = None, *, sent: int = -1
    ) -> None:
        """Send an answer; ``sent`` < length breaks it off after so many bytes."""
        self.send_response(code)
        for name, value in (
            {"Content-Length": str(len(body)), "ETag": self.archive.etag} | (headers or {})
        ).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body if sent < 0 else body[:sent])
        self.close_connection = sent >= 0

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def status(code: int, **headers: str) -> Callable[[Handler], None]:
    """Answer with a status and nothing else."""
    return lambda handler: handler.answer(
        code, b"", {name.replace("_", "-"): value for name, value in headers.items()}
    )


def cut_at(count: int) -> Callable[[Handler], None]:
    """Break the connection after so many bytes of the body."""
    return lambda handler: handler.answer(200, handler.archive.files[handler.path], sent=count)


def instead(body: bytes) -> Callable[[Handler], None]:
    """Give another body."""
    return lambda handler: handler.answer(200, body)


@contextmanager
def serve() -> Iterator[Archive]:
    """Run a server on a free port."""
    archive = Archive()
    handler = type("BoundHandler", (Handler,), {"archive": archive})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    archive.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield archive
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
