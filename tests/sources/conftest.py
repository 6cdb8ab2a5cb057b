"""A server on the loopback interface that gives good and bad answers, as the real ones may."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pvae_lib.sources.published import PublishedFile

HTML = b"<!DOCTYPE html><html><body>Down for maintenance</body></html>"
NOISE = b"\x00\x01\x02 neither gzip nor HDF5"


@dataclass
class Server:
    """What is served, how each path misbehaves, and what was asked for."""

    url: str
    bodies: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, list[str]] = field(default_factory=dict)
    """Per path, the faults of the next answers in turn; after them the answers are good."""
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    """(path, Range header) of each request."""

    def publish(
        self, name: str, body: bytes, *faults: str, md5: str | None = None
    ) -> PublishedFile:
        """Serve `body` under `name`, first with these faults; what `fetch` takes to get it."""
        self.bodies[f"/{name}"] = body
        self.faults[f"/{name}"] = list(faults)
        md5 = md5 or hashlib.md5(body).hexdigest()
        return PublishedFile(name, (f"{self.url}/{name}",), md5, "https://example.org/record")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    # A proxy that the environment names must not stand between the test and its own server.
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            state.requests.append((self.path, wanted))
            faults = state.faults.get(self.path, [])
            fault = faults.pop(0) if faults else "none"
            if fault == "404" or self.path not in state.bodies:
                return self.send_error(404)
            if fault == "503":
                return self.send_error(503)
            body = {"html": HTML, "noise": NOISE}.get(fault, state.bodies[self.path])
            start = 0
            if wanted and fault != "no resume":
                start = int(wanted.removeprefix("bytes=").removesuffix("-"))
                if start >= len(body):
                    return self.send_error(416)
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            half = start + (len(body) - start) // 2
            self.wfile.write(body[start : half if fault == "truncated" else None])
            self.close_connection = True

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state = Server(f"http://127.0.0.1:{listener.server_address[1]}")
    thread = threading.Thread(target=listener.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()
