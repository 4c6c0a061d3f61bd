"""A real web service on loopback that answers well, and misbehaves when it is told to."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from exchange_bureau import citizen_id

from beijiang.crypto import call_is_signed

FIRMS: list[dict[str, Any]] = [
    {
        "name": f"内蒙古第{n}商贸有限公司",
        "city": ("呼和浩特市", "包头市", "赤峰市")[n % 3],
        "legal": {"id": citizen_id(n), "phone": f"138{n:08d}"},
        "capital": n + 0.5,
        "founded": f"20{n:02d}-03-01",
        "active": n % 2 == 0,
    }
    for n in range(1, 10)
]
SECRET = "a-secret-of-the-department"
LIMIT = 64 * 1024
NASTY = (
    "'; DROP TABLE exchange_grant; --",
    "a' UNION SELECT '身份证",
    'quote " and \\ back\\\\slash',
    "${x} {{ 7*7 }} %s :name ?",
    "line\nfeed\tand 𠮷 emoji 😀",
    "=cmd|' /C calc'!A0",
)
"""Words that would be something else in SQL, templates or sheets."""


class Unruly:
    """What the service is to do next, and what it was asked."""

    def __init__(self) -> None:
        self.mode = "well"
        self.guard = ""
        self.seen: list[dict[str, Any]] = []
        self.nonces: set[str] = set()
        self.fail_first = 0
        self.port = 0
        self.keys_given = 0
        self.go = threading.Event()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def fresh(self, nonce: str) -> bool:
        new = nonce not in self.nonces
        self.nonces.add(nonce)
        return new


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    unruly: Unruly

    def handle_error(self, *_: Any) -> None:
        """A caller that gives up is what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    @property
    def _unruly(self) -> Unruly:
        return self.server.unruly

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("content-length", 0))))

    def log_message(self, *_: Any) -> None:
        pass

    def _answer(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self._unruly.seen.append(
            {
                "method": self.command,
                "path": parts.path,
                "query": query,
                "body": body,
                "headers": dict(self.headers),
            }
        )
        if parts.path == "/keys":
            self._unruly.keys_given += 1
            self._send(
                200,
                {
                    "code": "0",
                    "data": {"secret": "given-key", "secretEndTime": str((time.time() + 900) * 1000)[:13]},
                },
            )
            return
        if not self._may(body):
            self._send(401, {"message": "no"})
            return
        if self._unruly.fail_first:
            self._unruly.fail_first -= 1
            self._send(503, {"message": "busy"})
            return
        getattr(self, f"_{self._unruly.mode}")({**query, **(json.loads(body) if body else {})})

    def _may(self, body: bytes) -> bool:
        told = self.headers
        if self._unruly.guard == "bearer":
            return told.get("authorization") == f"Bearer {SECRET}"
        if self._unruly.guard == "basic":
            return told.get("authorization") == "Basic " + base64.b64encode(f"user:{SECRET}".encode()).decode()
        if self._unruly.guard == "key":
            return told.get("x-api-key") == SECRET
        if self._unruly.guard == "signed":
            call = (self.command, self._unruly.base + self.path, body)
            return call_is_signed(SECRET, dict(told), call, time.time(), self._unruly.fresh)
        if self._unruly.guard == "exchange":
            text = f"{told.get('gjgxjhpt_sid')}{told.get('gjgxjhpt_rid')}{told.get('gjgxjhpt_rtime')}"
            sign = base64.b64encode(hmac.new(b"given-key", text.encode(), hashlib.sha256).digest()).decode()
            return told.get("gjgxjhpt_sign") == sign
        return True

    def _send(self, status: int, value: Any, **headers: str) -> None:
        content = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
        self.send_response(status)
        for name, told in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), told)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _found(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        city = asked.get("city")
        return [dict(firm) for firm in FIRMS if city is None or firm["city"] == city]

    def _well(self, asked: dict[str, Any]) -> None:
        self._send(200, {"code": "0", "data": {"rows": self._found(asked)}})

    def _errors(self, *_: Any) -> None:
        self._send(500, {"stack": "department internals"})

    def _declines(self, *_: Any) -> None:
        self._send(400, {"message": "department internals"})

    def _empty(self, *_: Any) -> None:
        self._send(200, {"code": "0", "data": {"rows": []}})

    def _not_found(self, *_: Any) -> None:
        self._send(404, {"message": "no such firm"})

    def _one_outside(self, *_: Any) -> None:
        self._send(200, {"code": "0", "data": {"rows": self._found({"city": "赤峰市"})[:1]}})

    def _outside_wrong(self, *_: Any) -> None:
        wrong = {**self._found({"city": "赤峰市"})[0], "capital": "很多"}
        self._send(200, {"code": "0", "data": {"rows": [wrong]}})

    def _one_inside(self, *_: Any) -> None:
        self._send(200, {"code": "0", "data": {"rows": self._found({"city": "包头市"})[:1]}})

    def _inside_and_outside_wrong(self, *_: Any) -> None:
        wrong = {**self._found({"city": "赤峰市"})[0], "capital": "很多"}
        self._send(200, {"code": "0", "data": {"rows": [wrong, self._found({"city": "包头市"})[0]]}})

    def _own_code(self, *_: Any) -> None:
        self._send(200, {"code": "17", "data": None})

    def _slow(self, asked: dict[str, Any]) -> None:
        time.sleep(1.5)
        self._well(asked)

    def _hold(self, asked: dict[str, Any]) -> None:
        self._unruly.go.wait(300)
        self._well(asked)

    def _trickle(self, *_: Any) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        for _ in range(40):
            self.wfile.write(b" ")
            self.wfile.flush()
            time.sleep(0.1)

    def _no_json(self, *_: Any) -> None:
        self._send(200, b"<html>sign in</html>", Content_Type="text/html")

    def _no_rows(self, *_: Any) -> None:
        self._send(200, {"code": "0", "items": []})

    def _two_wrong(self, asked: dict[str, Any]) -> None:
        rows = self._found(asked)
        rows[0]["capital"] = "很多"
        del rows[1]["name"]
        self._send(200, {"code": "0", "data": {"rows": rows}})

    def _redirect(self, *_: Any) -> None:
        self._send(302, b"", Location="http://169.254.169.254/latest/meta-data/")

    def _elsewhere(self, *_: Any) -> None:
        self._send(302, b"", Location=f"{self._unruly.base}/elsewhere")

    def _huge(self, *_: Any) -> None:
        self._send(200, b'{"code":"0","data":{"rows":[' + b" " * (4 * LIMIT) + b"]}}")

    def _bomb(self, *_: Any) -> None:
        self._send(200, gzip.compress(b" " * (200 * LIMIT)), Content_Encoding="gzip")

    def _nasty(self, *_: Any) -> None:
        rows = [{**FIRMS[0], "name": words, "city": None} for words in NASTY]
        self._send(200, {"code": "0", "data": {"rows": rows}})

    def _nul(self, *_: Any) -> None:
        self._send(200, {"code": "0", "data": {"rows": [{**FIRMS[0], "name": "a\x00b"}]}})

    def _raw_id(self, asked: dict[str, Any]) -> None:
        rows = self._found(asked)
        rows[0]["name"] = citizen_id(77)
        self._send(200, {"code": "0", "data": {"rows": rows}})

    def _broken(self, *_: Any) -> None:
        self.wfile.write(b"not http at all\r\n\r\n")
        self.close_connection = True


@contextmanager
def serving() -> Iterator[Unruly]:
    server = _Server(("127.0.0.1", 0), _Handler)
    server.unruly = Unruly()
    server.unruly.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.unruly
    finally:
        server.shutdown()
        server.server_close()
