"""A MySQL server in strange hands: it gets the stream that it was sent and no file, and is not tried again."""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from beijiang.ingest.connectors.destination import Parcel
from beijiang.ingest.connectors.mysql import MySQL, MySQLOptions
from beijiang.ingest.connectors.mysql_there import MySQLDestination
from beijiang.kit import Invalid, Unavailable
from beijiang.outbound import Outbound, Target

SECRET = b"TOPSECRET-4711"
ROWS = pa.table({"键": ["a", "b", "c"], "文": ["x", None, "z"]})
_CAPABLE = 0xFFFFF7FF & ~(1 << 24)  # neither TLS nor the end of results without a packet
_TEXT, _NUMBER = 253, 8
_END = b"\xfe\0\0\2\0"


class Server(socketserver.ThreadingTCPServer):
    """Speaks MySQL's protocol so far as a delivery needs it; what it does where it is asked for rows is up to a test."""

    daemon_threads = False  # its end waits for what was sent to be heard

    def __init__(self, allows: str | int, misbehave: Callable[[Talk, str], bool] = lambda _, __: False) -> None:
        super().__init__(("127.0.0.1", 0), Talk)
        self.allows, self.misbehave = allows, misbehave
        self.login = b""
        self.heard: list[bytes] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def statements(self, word: str) -> list[bytes]:
        return [one for one in self.heard if one.startswith(b"\x03" + word.encode())]


class Talk(socketserver.StreamRequestHandler):
    """One connection."""

    server: Server

    def handle(self) -> None:
        self.seq = -1
        low, high = struct.pack("<H", _CAPABLE & 0xFFFF), struct.pack("<H", _CAPABLE >> 16)
        salt, rest = b"12345678", b"123456789012\0"
        tail = b"\x2d\2\0" + high + bytes([21]) + bytes(10) + rest + b"mysql_native_password\0"
        self.say(b"\x0a8.0.36\0" + struct.pack("<I", 7) + salt + b"\0" + low + tail)
        self.hear()
        if self.server.login:
            self.say(self.server.login)
            self.hear()
            self.say(b"\xff" + struct.pack("<H", 1045) + b"#28000no")
            return
        self.done()
        while (told := self.hear()) and told[0] == 3:
            statement = told[1:].decode()
            if not self.server.misbehave(self, statement):
                self.answer(statement)

    def answer(self, statement: str) -> None:
        if "local_infile" in statement:
            self.value(self.server.allows)
        elif "get_lock" in statement.lower():
            self.value(1)
        elif statement.startswith("LOAD"):
            self.stream(statement)
        elif statement.startswith("SELECT"):
            self.value(None)
        else:
            self.done()

    def stream(self, statement: str, warnings: int = 0) -> None:
        """Ask for what is offered, and take it."""
        self.ask_for(statement.split("'")[1].encode())
        lines = b""
        while part := self.hear():
            lines += part
        self.done(lines.count(b"\n"), warnings)

    def ask_for(self, name: bytes) -> None:
        self.say(b"\xfb" + name)

    def done(self, rows: int = 0, warnings: int = 0) -> None:
        self.say(bytes([0, rows, 0, 2, 0, warnings, 0]))

    def value(self, value: str | int | None) -> None:
        """Answer with one value, or with no row."""
        words = b"".join(bytes([len(w)]) + w for w in (b"def", b"", b"", b"", b"x", b"x"))
        kind = _NUMBER if isinstance(value, int) else _TEXT
        self.say(b"\1")
        self.say(words + b"\x0c" + struct.pack("<HIBHBH", 45, 100, kind, 0, 0, 0))
        self.say(_END)
        if value is not None:
            self.say(bytes([len(str(value))]) + str(value).encode())
        self.say(_END)

    def say(self, body: bytes) -> None:
        self.seq = (self.seq + 1) % 256
        self.wfile.write(struct.pack("<I", len(body))[:3] + bytes([self.seq]) + body)

    def hear(self) -> bytes:
        head = self.rfile.read(4)
        if len(head) < 4:
            return b""
        self.seq = head[3]
        body = self.rfile.read(int.from_bytes(head[:3], "little"))
        self.server.heard.append(body)
        return body


@contextmanager
def running(server: Server) -> Iterator[MySQLOptions]:
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield MySQLOptions(host="127.0.0.1", port=server.port, database="d", user="u", tls="off")
    finally:
        server.shutdown()
        server.server_close()
        thread.join(60)


def way_to(options: MySQLOptions) -> Outbound:
    return Outbound(lambda: (Target(host="127.0.0.1", port=options.port, network="127.0.0.1/32"),))


def delivered(options: MySQLOptions) -> Any:
    parcel = Parcel(
        id="one", push="p", sequence=1, table="t", version=1, before=None, key=("键",), schema=ROWS.schema, target="t",
        at=datetime(2026, 3, 10, 2, 0, tzinfo=UTC),
    )  # fmt: skip
    return MySQLDestination(options, way_to(options)).deliver(parcel, iter(ROWS.to_batches()))


@pytest.fixture
def secret(tmp_path: Path) -> bytes:
    path = tmp_path / "secret.txt"
    path.write_bytes(SECRET)
    return str(path).encode()


def at_once(talk: Talk, statement: str, secret: bytes) -> bool:
    talk.ask_for(secret)
    return bool(statement)


def when_asked_whether_it_may(talk: Talk, statement: str, secret: bytes) -> bool:
    return "local_infile" in statement and at_once(talk, statement, secret)


def for_our_stream(talk: Talk, statement: str, secret: bytes) -> bool:
    return statement.startswith("LOAD") and at_once(talk, statement, secret)


def after_our_stream(talk: Talk, statement: str, secret: bytes) -> bool:
    if not statement.startswith("LOAD"):
        return False
    talk.ask_for(statement.split("'")[1].encode())
    while talk.hear():
        pass
    return at_once(talk, statement, secret)


def for_its_warnings(talk: Talk, statement: str, secret: bytes) -> bool:
    if statement.startswith("LOAD"):
        talk.stream(statement, warnings=1)
        return True
    return "WARNINGS" in statement and at_once(talk, statement, secret)


def at_the_end(talk: Talk, statement: str, secret: bytes) -> bool:
    return statement.startswith("COMMIT") and at_once(talk, statement, secret)


@pytest.mark.parametrize(
    "misbehave",
    [at_once, when_asked_whether_it_may, for_our_stream, after_our_stream, for_its_warnings],
)
def test_a_server_that_asks_for_a_file_gets_none_and_is_given_up(
    secret: bytes, misbehave: Callable[[Talk, str, bytes], bool]
) -> None:
    server = Server(1, lambda talk, statement: misbehave(talk, statement, secret))
    with running(server) as options, pytest.raises(Invalid) as refused:
        delivered(options)
    assert refused.value.reason == "source_asks_for_file"
    assert not refused.value.transient
    assert server.heard
    assert not [one for one in server.heard if SECRET in one]


def test_one_that_asks_as_the_answer_to_a_commit_gets_none_and_is_asked_again_what_it_has(secret: bytes) -> None:
    server = Server(1, lambda talk, statement: at_the_end(talk, statement, secret))
    with running(server) as options, pytest.raises(Unavailable) as refused:
        delivered(options)
    assert refused.value.transient
    assert not [one for one in server.heard if SECRET in one]


def test_one_that_is_read_gets_none_either(secret: bytes) -> None:
    server = Server(1, lambda talk, statement: at_once(talk, statement, secret))
    with running(server) as options, pytest.raises(Invalid) as refused:
        MySQL(options, way_to(options)).discover()
    assert refused.value.reason == "source_asks_for_file"
    assert not [one for one in server.heard if SECRET in one]


def test_one_that_wants_another_way_to_sign_in_is_told_apart_from_one_that_is_down() -> None:
    server = Server(1)
    server.login = b"\xfeclient_ed25519\0" + b"0" * 32 + b"\0"
    with running(server) as options, pytest.raises(Invalid) as refused:
        delivered(options)
    assert refused.value.reason == "source_login_failed"


@pytest.mark.parametrize(
    ("allows", "way"),
    [(1, "load_data"), ("1", "load_data"), ("ON", "load_data"), ("on", "load_data"), (0, "insert"), ("0", "insert"),
     ("OFF", "insert"), ("", "insert"), (2, "insert")],
)  # fmt: skip
def test_rows_go_as_a_stream_only_where_the_server_says_yes(allows: str | int, way: str) -> None:
    server = Server(allows)
    with running(server) as options:
        done = delivered(options)
    assert (done.rows, done.facts["way"]) == (3, way)
    assert len(server.statements("LOAD")) == (way == "load_data")
    assert len(server.statements("INSERT INTO beijiang_stage")) == (way == "insert")
