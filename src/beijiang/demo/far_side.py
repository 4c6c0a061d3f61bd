"""The far side of exchange in the demo: one department's systems, played on this machine, so that nothing needs a network.

One system takes pushes, checks who signed them and keeps the rows; the other answers signed calls about permits. Both are
written as a department would write them: they know the platform by its public formats only.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import threading
import time
from collections import deque
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import parse_qs, urlsplit

from beijiang.crypto import call_is_signed, webhook_signature

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

__all__ = ["CITIES", "HOST", "PERMITS", "FarSide"]

HOST: Final = "127.0.0.1"
CITIES: Final = ("呼和浩特市", "包头市", "鄂尔多斯市", "乌海市")
PERMITS: Final[tuple[dict[str, str], ...]] = tuple(
    {
        "permit": f"DEMO-PW-{number:04d}",
        "holder": f"演示{('化工', '电力', '冶金', '焦化', '建材')[number % 5]}{number}号排污单位",
        "city": CITIES[number % len(CITIES)],
        "kind": ("重点管理", "简化管理")[number % 3 == 0],
        "until": f"{2027 + number % 4}-{1 + number % 12:02d}-28",
    }
    for number in range(1, 61)
)
"""Made-up permits; no unit of this name exists."""
_LARGEST: Final = 16 * 1024 * 1024
_NONCES: Final = 10_000
_SKEW: Final = 300


@dataclass(frozen=True, slots=True)
class _Kept:
    """What both sides have to know, kept between starts."""

    port: int
    push_secret: str
    call_secret: str


class FarSide(AbstractContextManager["FarSide"]):
    """The two systems; they run from entering to leaving."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "far-side.json"
        self._received = folder / "received.json"
        self._server: _Server | None = None
        self._kept = _Kept(0, secrets.token_urlsafe(32), secrets.token_urlsafe(32))

    def __enter__(self) -> Self:
        if self._file.exists():
            self._kept = _Kept(**json.loads(self._file.read_text(encoding="utf-8")))
        try:
            self._server = _Server((HOST, self._kept.port), _Handler)
        except OSError:  # somebody else has the port by now; the platform is told of the new one
            self._server = _Server((HOST, 0), _Handler)
        self._kept = _Kept(self._server.server_address[1], self._kept.push_secret, self._kept.call_secret)
        self._file.touch(mode=0o600)
        self._file.write_text(json.dumps(asdict(self._kept)), encoding="utf-8")
        self._server.far_side = self
        threading.Thread(target=self._server.serve_forever, args=(0.2,), name="demo-far-side", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @property
    def port(self) -> int:
        """Return where both listen now."""
        return self._kept.port

    @property
    def base(self) -> str:
        """Return the address of both."""
        return f"http://{HOST}:{self._kept.port}"

    @property
    def push_secret(self) -> str:
        """Return what deliveries are signed with."""
        return self._kept.push_secret

    @property
    def call_secret(self) -> str:
        """Return what calls are signed with."""
        return self._kept.call_secret

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows that the receiving system has."""
        found: list[dict[str, Any]] = (
            json.loads(self._received.read_text(encoding="utf-8")) if self._received.exists() else []
        )
        return found

    def keep(self, told: dict[str, Any], rows: list[dict[str, Any]], gone: list[dict[str, Any]]) -> None:
        """Put a whole delivery in force: everything anew, or changed rows by their key."""
        key = tuple(told["key"])
        held = {} if told["mode"] == "full" else {_of(row, key): row for row in self.rows()}
        held |= {_of(row, key): row for row in rows}
        for one in gone:
            held.pop(_of(one, key), None)
        draft = self._received.with_suffix(".new")
        draft.write_text(json.dumps([*held.values()], ensure_ascii=False), encoding="utf-8")
        draft.replace(self._received)


def _of(row: dict[str, Any], key: tuple[str, ...]) -> str:
    return json.dumps([row[name] for name in key] if key else row, ensure_ascii=False, sort_keys=True)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    far_side: FarSide

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.lock = threading.Lock()
        self.parts: dict[tuple[str, int], list[dict[str, Any]]] = {}
        self.nonces: deque[str] = deque(maxlen=_NONCES)

    def fresh(self, nonce: str) -> bool:
        """Remember a nonce; tell whether it was new."""
        with self.lock:
            new = nonce not in self.nonces
            self.nonces.append(nonce)
        return new

    def take(self, told: dict[str, Any]) -> dict[str, Any]:
        """Keep a part; with the last one put the delivery in force and say what it came to."""
        with self.lock:
            kept = self.parts.setdefault((told["delivery"], told["attempt"]), [])
            kept.append(told)
            if not told["final"]:
                return {}
            rows = [row for part in kept for row in part["rows"]]
            gone = [key for part in kept for key in part["gone"]]
            self.far_side.keep(told, rows, gone)
            del self.parts[told["delivery"], told["attempt"]]
        return {
            "rows": len(rows),
            "gone": len(gone),
            "checksum": f"{sum(map(_digest, [*rows, *gone])) % (1 << 64):016x}",
        }


def _digest(row: dict[str, Any]) -> int:
    text = json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: Any) -> None:
        """Stay silent; the terminal is the platform's."""

    def do_POST(self) -> None:
        """Take one part of a delivery, if the platform signed it just now."""
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 < length <= _LARGEST:
            self.close_connection = True
            self._send(413, {})
            return
        body, told = self.rfile.read(length), self.headers
        name, at = told.get("webhook-id", ""), told.get("webhook-timestamp", "")
        mine = webhook_signature(self.server.far_side.push_secret, name, at, body)
        in_time = at.isascii() and at.isdigit() and abs(int(at[:12]) - time.time()) < _SKEW
        if not in_time or not hmac.compare_digest(mine.encode(), told.get("webhook-signature", "").encode()):
            self._send(401, {})
            return
        part = json.loads(body)
        self._send(200, {} if part.get("test") else self.server.take(part))

    def do_GET(self) -> None:
        """Answer which permits there are in a city, if the platform signed the call."""
        far_side = self.server.far_side
        call = ("GET", far_side.base + self.path, b"")
        if not call_is_signed(far_side.call_secret, dict(self.headers), call, time.time(), self.server.fresh):
            self._send(401, {"code": "401"})
            return
        query = parse_qs(urlsplit(self.path).query)
        city, kind = query.get("city", [""])[0], query.get("kind", [""])[0]
        found = [one for one in PERMITS if one["city"] == city and kind in {"", one["kind"]}]
        self._send(200, {"code": "0", "data": {"rows": found}})

    def _send(self, status: int, value: dict[str, Any]) -> None:
        content = json.dumps(value, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
