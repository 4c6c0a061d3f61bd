"""A subscription at an MQTT broker: each message is on disk before the broker is told that it arrived.

Messages are asked for with QoS 1 in a session that outlives the connection, so the broker keeps what it has not been told
of and sends it again, marked as a repetition. Such a repetition is known by its number, topic and content among the last
messages that may have been on their way, also after this process was killed, and is acknowledged without being kept twice.
"""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import socket
import ssl
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

import orjson
from paho.mqtt.client import Client, MQTTMessage, topic_matches_sub
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from beijiang.ingest.connectors.messages import Delivery, line_of
from beijiang.ingest.connectors.stream_options import MqttOptions
from beijiang.kit import BeijiangError, Invalid, Refused, new_id
from beijiang.outbound import tls_context

if TYPE_CHECKING:
    from paho.mqtt.client import SocketLike
    from paho.mqtt.reasoncodes import ReasonCode

    from beijiang.ingest.connectors.stream_options import StreamOptions
    from beijiang.ingest.models import Stream
    from beijiang.ingest.store.spool import Spool
    from beijiang.kit import Clock
    from beijiang.kit.errors import JsonValue
    from beijiang.outbound import Outbound

__all__ = ["Intake", "Mark", "Subscription", "last_marks", "marks_in"]

log = logging.getLogger(__name__)

Mark: TypeAlias = "tuple[int, bytes]"
_SESSION: Final = 7 * 86_400
"""Seconds for which the broker keeps the session of a subscriber that does not come back."""
_LARGEST: Final = 8 << 20
"""Bytes of a message; larger ones are not kept."""
_AROUND: Final = 1 << 17
"""What topic and properties of a message may add to it."""
_PATIENCE: Final = 10.0
_ASKED_AGAIN: Final = 60.0
"""Seconds after which a topic is asked for again that the broker did not grant."""
_PAUSES: Final = (1, 60)
_LOOKS: Final = 5
_KNOWN: Final = 65_535 // 2
"""Messages that are known when they come again: half of the numbers that a broker has, so that a number is forgotten before it
comes to a new message.

The broker is asked to have no more than ``inflight`` on their way, but Mosquitto 2.0 counts from nothing after each connection:
where a receiver is cut off several times before its acknowledgements are read, many times as many come again.
"""
_LOOKED_BACK: Final = 64 << 20
"""Bytes of kept messages that are read at the start to know what may come again."""
_READ: Final = 1 << 16
_IN_A_ROW: Final = 1_000
_PUBACK: Final = bytes([PacketTypes.PUBACK << 4, 2])
_UNKNOWN: Final = ("不是由受信任的颁发机构签发的", "is of no authority that is trusted")
_ELSEWHERE: Final = ("是发给别的主机的", "is another host's")
_DOUBTS: Final = {
    9: ("尚未生效", "is not valid yet"),
    10: ("已过期", "has expired"),
    62: _ELSEWHERE,
    64: _ELSEWHERE,
}
"""By OpenSSL's numbers of what is wrong with a certificate."""
_VERSIONS: Final = {"5": MQTTProtocolVersion.MQTTv5, "3.1.1": MQTTProtocolVersion.MQTTv311}


class Intake(Protocol):
    """The stream that is received for."""

    stream: Stream
    options: StreamOptions
    spool: Spool
    received: int
    last_at: str | None


class _Ahead:
    """A connection that is read by many messages at once; the library asks for each in three pieces."""

    def __init__(self, line: SocketLike) -> None:
        self._line = line
        self._read = memoryview(b"")
        self._broken = False

    def recv(self, most: int) -> bytes:
        """Return some of what was read, or of what there is to be read now; nothing once it was broken."""
        if self._broken:
            return b""
        if not self._read:
            self._read = memoryview(self._line.recv(_READ))
        found = bytes(self._read[:most])
        self._read = self._read[most:]
        return found

    def pending(self) -> int:
        """Return how much can be read although the socket itself has nothing new."""
        if self._broken:
            return 0
        inside = self._line.pending() if isinstance(self._line, ssl.SSLSocket) else 0
        return len(self._read) + inside

    def hang_up(self) -> None:
        """Break the connection; whoever reads it learns of it, and what was read ahead is for nobody.

        Encryption stays: were it taken off, as the method of a TLS socket does, the other thread could read what is encrypted.
        """
        self._broken = True
        if isinstance(self._line, socket.socket):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._line, socket.SHUT_RDWR)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._line, name)


class _Checked(Client):
    """A client that connects to nothing but addresses that were checked at that moment."""

    outbound: Outbound
    refused: BeijiangError | None = None

    def acknowledge(self, numbers: Sequence[int]) -> None:
        """Tell the broker of many messages of QoS 1 in one packet of the connection, in the order in which they came."""
        told = b"".join(_PUBACK + number.to_bytes(2, "big") for number in numbers)
        self._packet_queue(PacketTypes.PUBACK << 4, told, 0, 1)

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Handle what was read ahead, as far as it goes; the library would look at the socket after each message."""
        rc = super().loop_read(max_packets)
        for _ in range(_IN_A_ROW):
            line = self._sock
            if rc != MQTTErrorCode.MQTT_ERR_SUCCESS or not (isinstance(line, _Ahead) and line.pending()):
                break
            rc = super().loop_read(max_packets)
        return rc

    def _create_socket(self) -> SocketLike:
        return _Ahead(super()._create_socket())

    def _create_socket_connection(self) -> socket.socket:
        try:
            address = self.outbound.addresses(self.host, self.port)[0]
        except BeijiangError as error:
            self.refused = error
            raise OSError(str(error.text.en)) from error
        self.refused = None
        return socket.create_connection((address.ip, address.port), timeout=_PATIENCE)

    def _ssl_wrap_socket(self, tcp_sock: socket.socket) -> ssl.SSLSocket:
        """Let the broker prove who it is before anything is said to it, and keep in mind why it could not."""
        assert self._ssl_context is not None  # noqa: S101  # this is called for connections with TLS only
        try:
            secure = self._ssl_context.wrap_socket(
                tcp_sock, server_hostname=self.host, do_handshake_on_connect=False, suppress_ragged_eofs=False
            )
        except ValueError as error:  # a host that is no name; paho would go on without one
            tcp_sock.close()
            raise OSError(str(error)) from error
        try:
            secure.settimeout(_PATIENCE)
            secure.do_handshake()
        except OSError as error:
            secure.close()
            self.refused = _unproved(error, self.host)
            raise
        return secure


class Subscription:
    """Receive for one stream until told to stop; a lost connection is made again, each time a little later."""

    def __init__(self, served: Intake, outbound: Outbound, clock: Clock, tail: Callable[[], Sequence[Path]]) -> None:
        assert isinstance(served.options, MqttOptions)  # noqa: S101  # the kind of the stream says so
        self._options = served.options
        self._served = served
        self._clock = clock
        self._memory = served.spool.folder / "topics.json"
        self._lock = threading.Lock()
        self._recent: OrderedDict[int, bytes] = OrderedDict()
        """What came last under each number of the broker's, in the order in which it came: what comes again is known by it."""
        for mark in last_marks(tail, _KNOWN, enough=self._options.inflight):
            self._note(mark)
        self._turn = 0
        self._asking = threading.Lock()
        """Held while the broker is asked or answers: it is asked again from another thread."""
        self._deaf = False
        """Whether the connection was given up and not made again yet: what came over it comes again, in its order."""
        self._connected: str | None = None
        """Since when, once the broker has taken what was asked for: from then on nothing that is published is missed."""
        self._asked: dict[int | None, Sequence[str]] = {}
        """By its number, what the broker was asked for over this connection and has not answered: the topics."""
        self._refused: dict[str, str] = {}
        """Topics that the broker did not grant over this connection, and why."""
        self._later: threading.Timer | None = None
        """Asks again for those."""
        self._connections = 0
        self._repeated = 0
        self._too_large = 0
        self._trouble: dict[str, JsonValue] | None = None
        self._wanted = lru_cache(maxsize=10_000)(self._is_wanted)
        self._client = self._made(outbound)
        self._landed_now: list[tuple[int, int]] = []
        """Turn and number of what the present batch of the spool put on disk; only the spool's thread sees it."""
        served.spool.then = self._acknowledge

    def _is_wanted(self, topic: str) -> bool:
        return any(topic_matches_sub(wanted, topic) for wanted in self._options.topics)

    def _made(self, outbound: Outbound) -> _Checked:
        given = self._options
        client = _Checked(
            CallbackAPIVersion.VERSION2,
            client_id=given.client_id or f"beijiang-{self._served.stream.id}",
            protocol=_VERSIONS[given.protocol],
            manual_ack=True,
            clean_session=None if given.protocol == "5" else False,
        )
        client.outbound = outbound
        client.reconnect_delay_set(*_PAUSES)
        if given.user:
            client.username_pw_set(given.user, given.password.get_secret_value() or None)
        if given.tls == "on":
            try:
                context = tls_context(given.authority)
            except (ssl.SSLError, ValueError) as error:
                raise Invalid(
                    "证书颁发机构不是 PEM 格式的证书。", "The authority is no certificate in PEM.", code="bad_options"
                ) from error
            client.tls_set_context(context)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_unsubscribe = self._on_unsubscribe
        client.on_message = self._on_message
        return client

    def start(self) -> None:
        """Connect and stay connected; the broker sends what it kept since the last time."""
        words: dict[str, Any] = {}
        if self._options.protocol == "5":
            asked = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            asked.SessionExpiryInterval = _SESSION
            asked.ReceiveMaximum = self._options.inflight
            asked.MaximumPacketSize = _LARGEST + _AROUND
            words = {"clean_start": False, "properties": asked}
        self._client.connect_async(self._options.host, self._options.port, keepalive=30, **words)
        self._client.loop_start()

    def stop(self) -> None:
        """Leave the broker; what it was not told of, it sends again the next time."""
        self._turn += 1
        self._client.disconnect()
        self._client.loop_stop()
        if self._later is not None:
            self._later.cancel()
        self._connected = None

    def live(self) -> dict[str, JsonValue]:
        """Return whether it is connected, since when, how often it was, and what was wrong last."""
        told: dict[str, JsonValue] = {
            "connected": self._connected is not None,
            "connected_since": self._connected,
            "connections": self._connections,
            "repeated": self._repeated,
        }
        if self._trouble is not None and self._connected is None:
            told["trouble"] = self._trouble
        elif self._too_large:
            told["too_large"] = self._too_large
            told["trouble"] = _told(
                "message_too_large",
                f"本次启动后有 {self._too_large} 条消息超过 {_LARGEST >> 20} MiB，没有保留。请发送方拆分。",
                f"Since the start {self._too_large} messages were over {_LARGEST >> 20} MiB and not kept. Have the sender split them.",
            )
        return told

    # Called from the client's own thread

    def _on_connect(self, client: Client, _data: Any, flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._trouble = _told(
                "broker_refused",
                f"消息服务器拒绝了连接：{reason}。请核对账号、口令和客户端标识。",
                f"The broker refuses the connection: {reason}. Check account, password and client id.",
            )
            return
        self._turn += 1
        self._deaf = False
        self._connections += 1
        self._trouble = None
        if not flags.session_present:
            with self._lock:
                self._recent.clear()  # the broker begins anew, so nothing comes a second time
        self._subscribe(client, present=flags.session_present)

    def _subscribe(self, client: Client, *, present: bool) -> None:
        """Ask for the topics; those that an earlier session asked for and nobody wants any more are given up."""
        wanted = [*self._options.topics]
        had: list[str] = []
        if present:
            with contextlib.suppress(OSError, ValueError):
                had = json.loads(self._memory.read_text("utf-8"))
        with self._asking:
            self._asked.clear()
            self._refused.clear()
            gone = [topic for topic in had if topic not in wanted]
            if gone:
                self._asked[client.unsubscribe(gone)[1]] = ()
            new = [topic for topic in wanted if topic not in had]
            if new and self._options.protocol == "5":
                kept = SubscribeOptions.RETAIN_SEND_IF_NEW_SUB
                asked = [(topic, SubscribeOptions(qos=1, retainHandling=kept)) for topic in new]
                self._asked[client.subscribe(asked)[1]] = new
            elif new:
                self._asked[client.subscribe([(topic, 1) for topic in new])[1]] = new
            if not self._asked:
                self._agreed()

    def _on_subscribe(self, client: Client, _data: Any, mid: int, reasons: Any, _properties: Any) -> None:
        self._answered(client, mid, reasons)

    def _on_unsubscribe(self, client: Client, _data: Any, mid: int, _reasons: Any, _properties: Any) -> None:
        self._answered(client, mid, ())

    def _answered(self, client: Client, mid: int, reasons: Sequence[ReasonCode]) -> None:
        with self._asking:
            if mid not in self._asked:
                return
            answered = zip(self._asked.pop(mid), reasons, strict=False)
            self._refused |= {topic: str(reason) for topic, reason in answered if reason.is_failure}
            if self._asked:
                return
            granted = [topic for topic in self._options.topics if topic not in self._refused]
            with contextlib.suppress(OSError):
                self._memory.write_text(json.dumps(granted, ensure_ascii=False), "utf-8")
            if self._refused:
                self._ask_later(client)
            else:
                self._agreed()

    def _ask_later(self, client: Client) -> None:
        """Tell what the broker does not grant, and ask for it again, as long as it is the same connection."""
        topics = ", ".join(f"{topic} ({why})" for topic, why in self._refused.items())
        self._trouble = _told(
            "topic_refused",
            f"消息服务器不准订阅主题：{topics}，收不到其消息，将不断重试。请核对主题，或请对方为账号开通读取权限。",
            f"The broker does not grant topics: {topics}. Their messages do not come; it is asked again and again. Check the topics, or have the account allowed to read them.",
        )
        if self._later is not None:
            self._later.cancel()
        self._later = threading.Timer(_ASKED_AGAIN, self._ask_again, (client, self._turn))
        self._later.daemon = True
        self._later.start()

    def _ask_again(self, client: Client, turn: int) -> None:
        if turn == self._turn:
            self._trouble = None
            self._subscribe(client, present=True)

    def _agreed(self) -> None:
        """Say that it is connected: the broker has what is wanted, and a session to keep it in."""
        self._connected = self._clock.now().isoformat(timespec="seconds")

    def _on_connect_fail(self, _client: Client, _data: Any) -> None:
        refused = self._client.refused
        if refused is not None:
            self._trouble = _told(refused.reason, refused.text.zh, refused.text.en)
        else:
            host = f"{self._options.host}:{self._options.port}"
            self._trouble = _told(
                "broker_unreachable",
                f"连不上消息服务器 {host}，将不断重试。请检查网络、端口和证书。",
                f"The broker at {host} cannot be reached; it is tried again and again. Check network, port and certificate.",
            )

    def _on_disconnect(self, _client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._turn += 1
        self._connected = None
        if self._trouble is None:
            self._trouble = _told(
                "broker_left", f"与消息服务器的连接断开：{reason}。", f"The connection to the broker ended: {reason}."
            )

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        if self._deaf:
            return
        topic, payload = message.topic, bytes(message.payload)
        mark = _mark(message.mid, topic, payload)
        told = partial(self._landed, self._turn, message.mid, message.qos)
        try:
            if not self._wanted(topic):
                self._served.spool.put(b"", partial(told, None))  # asked for by an earlier session
                return
            if len(payload) > _LARGEST:
                self._too_large += 1
                self._served.spool.put(b"", partial(told, None))  # acknowledged, or the broker would send it for ever
                return
            with self._lock:
                again = bool(message.qos) and message.dup and self._recent.get(message.mid) == mark[1]
                if message.qos and not again:
                    self._note(mark)
            if again:
                self._repeated += 1
                self._served.spool.put(b"", partial(told, None))  # acknowledged once the first of it is on disk
                return
            now = self._clock.now()
            delivery = Delivery(id=new_id("msg"), at=now, body=payload, topic=topic, mid=message.mid)
            self._served.last_at = now.isoformat(timespec="seconds")
            self._served.spool.put(line_of(delivery), partial(told, mark))
        except BeijiangError as error:
            self._give_up(mark, error)

    def _note(self, mark: Mark) -> None:
        """Know a message when it comes again, and forget the one that came too long ago for that."""
        self._recent[mark[0]] = mark[1]
        self._recent.move_to_end(mark[0])
        if len(self._recent) > _KNOWN:
            self._recent.popitem(last=False)

    # Called from the spool's thread

    def _landed(self, turn: int, mid: int, qos: int, mark: Mark | None, trouble: BaseException | None) -> None:
        if trouble is not None:
            self._give_up(mark, trouble)
            return
        if mark is not None:
            self._served.received += 1
        if qos == 1:
            self._landed_now.append((turn, mid))
        elif turn == self._turn and qos:
            self._client.ack(mid, qos)

    def _acknowledge(self) -> None:
        """Tell the broker of what is on disk; what came over an earlier connection, it sends again."""
        landed, self._landed_now = self._landed_now, []
        mine = [mid for turn, mid in landed if turn == self._turn]
        if mine:
            self._client.acknowledge(mine)

    def _give_up(self, mark: Mark | None, trouble: BaseException) -> None:
        """Break the connection, so that the broker sends again what could not be kept."""
        if mark is not None:
            with self._lock:
                if self._recent.get(mark[0]) == mark[1]:
                    del self._recent[mark[0]]
        if isinstance(trouble, BeijiangError):
            self._trouble = _told(trouble.reason, trouble.text.zh, trouble.text.en)
        self._turn += 1
        self._deaf = True
        line = self._client.socket()
        if isinstance(line, _Ahead):
            line.hang_up()


def _unproved(error: OSError, host: str) -> BeijiangError | None:
    """Say why a broker is not trusted; None where it only did not answer."""
    if isinstance(error, ssl.SSLCertVerificationError):
        zh, en = _DOUBTS.get(error.verify_code, _UNKNOWN)
        return Refused(
            f"消息服务器 {host} 的证书{zh}，没有登录，未发送任何数据。请核对主机名，请对方更换证书，或在“证书颁发机构”中填写其颁发机构的证书。",
            f"The certificate of the broker {host} {en}; nothing was sent, no password either. Check the host, have the certificate replaced, or give its authority's certificate as authority.",
            code="broker_untrusted",
        )
    if isinstance(error, (ssl.SSLError, ConnectionError)):  # a broker without TLS just hangs up
        return Refused(
            f"与消息服务器 {host} 建立加密连接失败，未发送任何数据：该端口没有启用 TLS，或只支持 TLS 1.2 以下的旧版本。请核对端口，或请对方升级。",
            f"No encrypted connection to the broker {host} came about; nothing was sent: the port speaks no TLS, or only versions below 1.2. Check the port, or have the broker upgraded.",
            code="broker_no_tls",
        )
    return None


def _told(code: str, zh: str, en: str) -> dict[str, JsonValue]:
    return {"code": code, "zh": zh, "en": en}


def _mark(mid: int, topic: str, payload: bytes) -> Mark:
    return mid, blake2b(topic.encode() + b"\0" + payload, digest_size=16).digest()


def marks_in(path: Path) -> Iterator[Mark]:
    """Yield what the messages of a file can be known by, in order."""
    with path.open("rb") as lines:
        for line in lines:
            told = orjson.loads(line)
            if told.get("mid"):
                body = base64.b64decode(told["b64"]) if "b64" in told else told["body"].encode()
                yield _mark(told["mid"], told.get("topic", ""), body)


def last_marks(files: Callable[[], Sequence[Path]], most: int, *, enough: int = 0) -> list[Mark]:
    """Return the marks of the last messages in some files, which are listed in order; only ``enough`` where they are large.

    A file that is gone was taken in by a run after it was listed, and is found elsewhere at the next look; what is gone again and
    again was not kept.
    """
    for _ in range(_LOOKS):
        with contextlib.suppress(FileNotFoundError):
            return _last(files(), most, enough)
    return _last([path for path in files() if path.exists()], most, enough)


def _last(files: Sequence[Path], most: int, enough: int) -> list[Mark]:
    found: list[Mark] = []
    size = 0
    for path in reversed(files):
        if len(found) >= most or (len(found) >= enough and size > _LOOKED_BACK):
            break
        size += path.stat().st_size
        found = [*marks_in(path), *found]
    return found[-most:]
