"""An application that runs elsewhere: a small server that keeps what it was asked and can behave badly."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Upstream:
    """Listens on a port of this machine; ``asked`` holds method, path, headers and body of every request."""

    def __init__(self) -> None:
        outer = self
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.status = 200
        self.sent = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _any(self) -> None:
                body = self._body()
                outer.asked.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                name = self.path.partition("?")[0].strip("/").replace("-", "_").split("/")[0]
                getattr(outer, f"on_{name}", outer.on_any)(self, body)

            do_GET = do_POST = do_HEAD = _any  # noqa: N815 - the library's names

            def _body(self) -> bytes:
                if self.headers.get("Transfer-Encoding") == "chunked":
                    found = b""
                    while size := int(self.rfile.readline(), 16):
                        found += self.rfile.read(size)
                        self.rfile.readline()
                    self.rfile.readline()
                    return found
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.address = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def last(self) -> dict[str, str]:
        return self.asked[-1][2]

    def say(self, h: Any, status: int, heads: list[tuple[str, str]], body: bytes = b"") -> None:
        h.send_response(status)
        for name, value in [*heads, ("Content-Length", str(len(body)))]:
            h.send_header(name, value)
        h.end_headers()
        if h.command != "HEAD":
            h.wfile.write(body)

    def on_any(self, h: Any, body: bytes) -> None:
        self.say(h, self.status, [("Content-Type", "application/json")], json.dumps({"got": len(body)}).encode())

    def on_cookies(self, h: Any, _: bytes) -> None:
        heads = [
            ("Set-Cookie", "mine=1; Path=/"),
            ("Set-Cookie", "wide=1; Domain=example; Path=/"),
            ("Set-Cookie", "__Host-beijiang-visit=stolen; Secure; Path=/"),
            ("Content-Security-Policy", "default-src *"),
            ("X-Frame-Options", "ALLOWALL"),
            ("Access-Control-Allow-Origin", "*"),
            ("Strict-Transport-Security", "max-age=0"),
            ("Clear-Site-Data", '"cookies"'),
            ("Connection", "X-Inner"),
            ("X-Inner", "secret"),
            ("Cache-Control", "public, max-age=60"),
            ("X-Kept", "yes"),
        ]
        self.say(h, 200, heads, b"cookies")

    def on_away(self, h: Any, _: bytes) -> None:
        self.say(h, 302, [("Location", "http://169.254.169.254/latest/meta-data/")])

    def on_within(self, h: Any, _: bytes) -> None:
        self.say(h, 302, [("Location", f"{self.address}/next?a=1")])

    def on_endless(self, h: Any, _: bytes) -> None:
        h.send_response(200)
        h.send_header("Transfer-Encoding", "chunked")
        h.end_headers()
        try:
            while True:
                h.wfile.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
                if h.path.endswith("?slow"):
                    time.sleep(0.05)
        except OSError:
            self.sent.set()

    def on_silent(self, h: Any, _: bytes) -> None:
        time.sleep(20)
        h.close_connection = True

    def on_cut(self, h: Any, _: bytes) -> None:
        h.send_response(200)
        h.send_header("Content-Length", "1000000")
        h.end_headers()
        h.wfile.write(b"half")
        h.wfile.flush()
        h.close_connection = True
