"""What is received while the disk stands, a look-up fails or a connection breaks: counted, told, kept in order, and never twice."""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from beijiang.ingest.connectors.messages import Delivery
from beijiang.ingest.connectors.mqtt import Subscription, _Ahead
from beijiang.ingest.connectors.stream_options import MqttOptions
from beijiang.ingest.service.attending import Served
from beijiang.ingest.store.spool import Spool
from beijiang.kit import SystemClock, Unavailable
from waiting import until


@contextmanager
def spool_in(folder: Path, *, limit: int = 1 << 20) -> Iterator[Spool]:
    spool = Spool(folder, seconds=1, limit=limit)
    spool.open(lambda: 0)
    try:
        yield spool
    finally:
        spool.close()


@contextmanager
def standing_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let no flush come to its end until this is left."""
    moves, flush = threading.Event(), os.fdatasync

    def stand(fd: int) -> None:
        moves.wait(60)
        flush(fd)

    monkeypatch.setattr(os, "fdatasync", stand)
    try:
        yield
    finally:
        moves.set()


def told(spool: Spool, line: bytes, key: str = "") -> Future[None]:
    """Put a delivery and return what comes of it."""
    future: Future[None] = Future()

    def done(trouble: BaseException | None) -> None:
        if trouble is None:
            future.set_result(None)
        else:
            future.set_exception(trouble)

    spool.put(line, done, key)
    return future


def kept(folder: Path) -> list[bytes]:
    return [line for path in sorted(folder.glob("*.ndjson")) for line in path.read_bytes().splitlines()]


def test_what_follows_a_batch_may_fail_and_the_next_is_kept_all_the_same(tmp_path: Path) -> None:
    def fail() -> None:
        raise RuntimeError("nobody there")

    with spool_in(tmp_path) as spool:
        spool.then = fail
        for n in range(3):
            told(spool, b'{"n":%d}\n' % n).result(30)
    assert kept(tmp_path) == [b'{"n":0}', b'{"n":1}', b'{"n":2}']


def test_what_waits_for_a_disk_that_stands_counts_against_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = b"{" + b" " * 65_536 + b"}\n"
    futures: list[Future[None]] = []
    with spool_in(tmp_path) as spool:
        with standing_disk(monkeypatch), pytest.raises(Unavailable) as full:
            futures.extend(told(spool, line) for _ in range(600))
        assert full.value.reason == "spool_full"
        assert 1 << 20 <= len(futures) * len(line) <= (1 << 20) + len(line)
        for future in futures:
            future.result(30)
    assert len(kept(tmp_path)) == len(futures)


def test_a_failing_look_up_holds_up_no_request_without_a_key(tmp_path: Path) -> None:
    def fail(keys: Any) -> set[str]:
        raise RuntimeError(f"no database for {keys}")

    with spool_in(tmp_path) as spool:
        spool.known = fail
        with spool._news:  # so that both are of one batch
            keyed, plain = told(spool, b'{"n":1}\n', "k"), told(spool, b'{"n":2}\n')
        plain.result(30)
        with pytest.raises(Unavailable) as refused:
            keyed.result(30)
    assert refused.value.reason == "keys_unknown"
    assert "Idempotency-Key" in refused.value.text.en
    assert kept(tmp_path) == [b'{"n":2}']


def test_a_key_is_not_forgotten_before_its_request_is_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def delivery(name: str) -> Delivery:
        return Delivery(id=name, at=datetime.now(UTC), body=b"{}", key="request-1")

    nothing: Any = None
    with spool_in(tmp_path) as spool:
        served = Served(nothing, nothing, spool, nothing)
        spool.known = partial(served.before, receipts=lambda _: {})  # the database knows none yet
        with standing_disk(monkeypatch):
            first = served.take(delivery("msg_first"))
            served.sweep(0)
            again = served.take(delivery("msg_again"))
        assert (first.wait().id, again.wait().id, again.wait().again) == ("msg_first", "msg_first", True)
        served.sweep(60)
        assert "request-1" in served.keys, "it ages from when it is on disk"
        time.sleep(0.01)
        served.sweep(0)
        assert not served.keys
    assert [orjson.loads(line)["id"] for line in kept(tmp_path)] == ["msg_first"]


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker")]), datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = tmp_path / "broker.pem"
    file.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM) + private)
    return file


def test_a_line_that_was_hung_up_gives_nothing_more_and_nothing_encrypted(certificate: Path) -> None:
    there, here = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    there.load_cert_chain(certificate)
    here.check_hostname, here.verify_mode = False, ssl.CERT_NONE
    ours, theirs = socket.socketpair()
    over = threading.Event()

    def serve() -> None:
        with there.wrap_socket(theirs, server_side=True) as line:
            line.sendall(b"A" * 100_000)
            over.wait(60)

    thread = threading.Thread(target=serve)
    thread.start()
    secure = here.wrap_socket(ours)
    try:
        line = _Ahead(secure)
        got = 0
        while got < 10_000:
            got += len(line.recv(1000))
        assert line.pending()
        line.hang_up()
        assert (line.recv(4096), line.pending()) == (b"", 0)
        left = b""
        while more := _or_nothing(partial(secure.recv, 4096)):  # what the other thread may be reading just then
            left += more
        assert set(left) <= {65}, "never what is encrypted"
    finally:
        over.set()
        secure.close()
        thread.join()


def _or_nothing(read: Callable[[], bytes]) -> bytes:
    try:
        return read()
    except OSError:
        return b""


class Narrow:
    """A spool that is full for its first message."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.then: Any = None
        self.lines: list[int] = []
        self.full = True

    def put(self, line: bytes, done: Any, key: str = "") -> None:
        del done, key
        if self.full:
            self.full = False
            raise Unavailable("满", "full", code="spool_full")
        self.lines.append(orjson.loads(orjson.loads(line)["body"])["n"])


def test_after_one_could_not_be_kept_the_next_waits_for_the_connection_and_comes_behind_it(tmp_path: Path) -> None:
    options: Any = {"host": "h", "topics": "#", "columns": [{"name": "n", "path": "n"}], "tls": "off"}
    spool = Narrow(tmp_path)
    served: Any = SimpleNamespace(
        options=MqttOptions(**options), spool=spool, stream=SimpleNamespace(id="stm"), received=0, last_at=None
    )
    nothing: Any = None
    subscription = Subscription(served, nothing, SystemClock(), list)

    def come(n: int, *, again: bool = False) -> None:
        message: Any = SimpleNamespace(topic="a", payload=b'{"n":%d}' % n, mid=n, qos=1, dup=again)
        subscription._on_message(nothing, nothing, message)

    come(1)
    come(2)  # read ahead together with it
    assert spool.lines == []
    client: Any = SimpleNamespace(subscribe=lambda _: (0, 1))
    subscription._on_connect(
        client, nothing, SimpleNamespace(session_present=True), SimpleNamespace(is_failure=False), nothing
    )
    for n in (1, 2):
        come(n, again=True)
    assert spool.lines == [1, 2]


def test_what_comes_again_is_known_however_far_the_broker_is_ahead_of_its_acknowledgements(tmp_path: Path) -> None:
    """Mosquitto 2.0 sends more than it was asked for after each connection that was cut off before it read acknowledgements."""
    options: Any = {"host": "h", "topics": "#", "columns": [{"name": "n", "path": "n"}], "tls": "off", "inflight": 10}
    nothing: Any = None
    kept = tmp_path / "000000000001.ndjson"
    lines: list[bytes] = []
    spool: Any = SimpleNamespace(folder=tmp_path, then=None, put=lambda line, _done: line and lines.append(line))

    def received(tail: list[Path], numbers: range, *, again: bool) -> int:
        served: Any = SimpleNamespace(
            options=MqttOptions(**options), spool=spool, stream=SimpleNamespace(id="stm"), received=0, last_at=None
        )
        subscription = Subscription(served, nothing, SystemClock(), lambda: tail)
        before = len(lines)
        for n in numbers:
            message: Any = SimpleNamespace(topic="a", payload=b'{"n":%d}' % n, mid=n, qos=1, dup=again)
            subscription._on_message(nothing, nothing, message)
        return len(lines) - before

    assert received([], range(1, 101), again=False) == 100
    kept.write_bytes(b"".join(lines))
    assert received([kept], range(1, 101), again=True) == 0, "ten may be on their way, a hundred were"
    assert received([kept], range(101, 111), again=True) == 10, "what did not come the first time counts"


def test_a_number_is_forgotten_before_the_broker_gives_it_to_a_new_message(tmp_path: Path) -> None:
    """The first sending of a new message was lost with the line, so it comes marked; its content is that of long ago."""
    options: Any = {"host": "h", "topics": "#", "columns": [{"name": "n", "path": "n"}], "tls": "off", "inflight": 10}
    nothing: Any = None
    lines: list[bytes] = []
    spool: Any = SimpleNamespace(folder=tmp_path, then=None, put=lambda line, _done: line and lines.append(line))
    served: Any = SimpleNamespace(
        options=MqttOptions(**options), spool=spool, stream=SimpleNamespace(id="stm"), received=0, last_at=None
    )
    subscription = Subscription(served, nothing, SystemClock(), list)

    def come(mid: int, *, again: bool) -> None:
        message: Any = SimpleNamespace(topic="a", payload=b'{"n":0}', mid=mid, qos=1, dup=again)
        subscription._on_message(nothing, nothing, message)

    numbers = 65_535
    for mid in range(1, numbers + 1):
        come(mid, again=False)
    for mid in range(1, 11):
        come(mid, again=True)
    assert len(lines) == numbers + 10, "after the last number comes the first"
    for mid in range(numbers - 20_000, numbers + 1):
        come(mid, again=True)
    assert len(lines) == numbers + 10, "what may be on its way is known"


def test_a_topic_that_the_broker_does_not_grant_is_told_and_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beijiang.ingest.connectors.mqtt._ASKED_AGAIN", 0.05)
    columns = [{"name": "n", "path": "n"}]
    options: Any = {"host": "h", "topics": "open/#,shut/#", "columns": columns, "tls": "off"}
    nothing: Any = None
    served: Any = SimpleNamespace(
        options=MqttOptions(**options),
        spool=SimpleNamespace(folder=tmp_path, then=None),
        stream=SimpleNamespace(id="stm"),
        received=0,
        last_at=None,
    )
    subscription = Subscription(served, nothing, SystemClock(), list)
    asked: list[list[str]] = []

    def subscribe(wanted: list[tuple[str, Any]]) -> tuple[int, int]:
        asked.append([topic for topic, _ in wanted])
        return 0, len(asked)

    def answer(*codes: int) -> None:
        reasons = [ReasonCode(PacketTypes.SUBACK, identifier=code) for code in codes]
        subscription._on_subscribe(client, nothing, len(asked), reasons, nothing)

    client: Any = SimpleNamespace(subscribe=subscribe)
    for present in (False, True):
        subscription._on_connect(
            client, nothing, SimpleNamespace(session_present=present), SimpleNamespace(is_failure=False), nothing
        )
        answer(*([0x01, 0x87] if not present else [0x87]))
        live: Any = subscription.live()
        assert (live["connected"], live["trouble"]["code"]) == (False, "topic_refused")
        assert "shut/# (Not authorized)" in live["trouble"]["en"]
        assert "open/#" not in live["trouble"]["en"]
        so_far = len(asked)
        until(lambda so_far=so_far: len(asked) > so_far)  # type: ignore[misc]
    assert asked == [["open/#", "shut/#"], ["shut/#"], ["shut/#"], ["shut/#"]]
    answer(0x01)
    assert subscription.live()["connected"]
    assert "trouble" not in subscription.live()
    subscription._on_connect(
        client, nothing, SimpleNamespace(session_present=True), SimpleNamespace(is_failure=False), nothing
    )
    assert len(asked) == 4, "the broker has both"
    assert subscription.live()["connected"]
