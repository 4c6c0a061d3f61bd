"""A broker proves who it is before anything is said to it: real certificates, real handshakes, and a real Mosquitto."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import socket
import ssl
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi.testclient import TestClient
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from beijiang.ingest import Stream, StreamKind
from beijiang.kit import SYSTEM, Invalid
from beijiang.outbound import Target
from ports import own_port
from waiting import until

from .conftest import Broker, Site, configure
from .test_console import steward

__all__ = ["steward"]

PLAIN = [{"name": "值", "path": "$value", "type": "integer"}]
DAY = dt.timedelta(days=1)


class Authority:
    """An authority that signs certificates; its own is what one has to trust."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        made = self._about(self._name, self._key.public_key(), DAY)
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.pem = made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def _about(self, name: x509.Name, key: Any, left: dt.timedelta) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        made = x509.CertificateBuilder().subject_name(name).issuer_name(self._name).public_key(key)
        made = made.serial_number(x509.random_serial_number())
        return made.not_valid_before(now - 10 * DAY).not_valid_after(now + left)

    def sign(self, folder: Path, name: str, *, host: str = "", left: dt.timedelta = DAY) -> tuple[Path, Path]:
        """Write a certificate (for 127.0.0.1, or a host) and its key; return where they are."""
        key = ec.generate_private_key(ec.SECP256R1())
        known = x509.DNSName(host) if host else x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        made = self._about(x509.Name([]), key.public_key(), left)
        made = made.add_extension(x509.SubjectAlternativeName([known]), critical=True)
        pem, paths = serialization.Encoding.PEM, (folder / f"{name}.pem", folder / f"{name}.key")
        paths[0].write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(pem))
        paths[1].write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        for path in paths:
            path.chmod(0o644)
        return paths


@dataclass
class SecureBroker(Broker):
    """A Mosquitto with one door per certificate, and one without any."""

    authority: Authority = field(default_factory=lambda: Authority("乌海"))
    doors: dict[str, int] = field(default_factory=dict)

    def options(self, *topics: str, **changes: Any) -> dict[str, Any]:
        given = {"tls": "on", "authority": self.authority.pem, "port": self.doors["good"], **changes}
        return super().options(*topics, **given)

    def tell(self, topic: str, *values: int) -> None:
        """Publish over TLS and wait until the broker has acknowledged everything."""
        client = Client(CallbackAPIVersion.VERSION2)
        client.username_pw_set(self.user, self.password)
        client.tls_set_context(ssl.create_default_context(cadata=self.authority.pem))
        client.connect("127.0.0.1", self.doors["good"])
        client.loop_start()
        for info in [client.publish(topic, b"%d" % value, qos=1) for value in values]:
            info.wait_for_publish(30)
        client.disconnect()
        client.loop_stop()

    def knows(self, stream: Stream) -> bool:
        """Tell whether a stream's client has ever said who it is."""
        return f"as beijiang-{stream.id}" in (self.folder / "log").read_text()


@pytest.fixture(scope="module")
def secure(mosquitto: None, site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureBroker]:
    del mosquitto
    folder = tmp_path_factory.mktemp("secure")
    made = SecureBroker(folder, own_port())
    certificates = {
        "good": made.authority.sign(folder, "good"),
        "elsewhere": made.authority.sign(folder, "elsewhere", host="mqtt.example"),
        "expired": made.authority.sign(folder, "expired", left=-DAY),
    }
    listeners = [f"listener {made.port} 127.0.0.1"]
    for name, (certificate, key) in certificates.items():
        made.doors[name] = own_port()
        listeners += [f"listener {made.doors[name]} 127.0.0.1", f"certfile {certificate}", f"keyfile {key}"]
    configure(made, *listeners)
    made.doors["plain"] = made.port
    for port in made.doors.values():
        site.platform.sources.allow(SYSTEM, Target(host="127.0.0.1", port=port, network="127.0.0.1/32"), "测试")
    made.start()
    yield made
    made.stop()


def trouble(site: Site, stream: Stream) -> dict[str, Any]:
    told: dict[str, Any] = until(lambda: site.live(stream).get("trouble"))
    return told


def test_messages_and_a_password_come_over_tls(site: Site, secure: SecureBroker) -> None:
    stream = site.add("加密", StreamKind.MQTT, **secure.options("t/a", columns=PLAIN, payload="text"))
    until(lambda: site.live(stream).get("connected"))
    secure.tell("t/a", *range(50))
    until(lambda: site.count("加密") == 50)
    assert sorted(r["值"] for r in site.rows("加密", "值")) == [*range(50)]
    assert secure.knows(stream)
    site.platform.streams.change(SYSTEM, stream.id, {"password": "guess"})
    until(lambda: (site.live(stream).get("trouble") or {}).get("code") == "broker_refused")
    secure.tell("t/a", *range(50, 60))
    site.platform.streams.change(SYSTEM, stream.id, {"password": secure.password})
    until(lambda: site.count("加密") == 60)
    assert site.platform.streams.verify(SYSTEM, stream.id).verdict.value == "equal"
    site.platform.streams.pause(SYSTEM, stream.id)


@pytest.mark.parametrize(
    ("door", "trusted", "zh", "en"),
    [
        ("good", "another", "不是由受信任的颁发机构签发的", "is of no authority that is trusted"),
        ("good", "none", "不是由受信任的颁发机构签发的", "is of no authority that is trusted"),
        ("elsewhere", "ours", "是发给别的主机的", "is another host's"),
        ("expired", "ours", "已过期", "has expired"),
    ],
)
def test_a_broker_that_cannot_prove_who_it_is_is_told_nothing(
    site: Site, secure: SecureBroker, steward: TestClient, door: str, trusted: str, zh: str, en: str
) -> None:
    authority = {"ours": secure.authority.pem, "another": Authority("冒名").pem, "none": ""}[trusted]
    name = f"不信{door}{trusted}"
    stream = site.add(name, StreamKind.MQTT, **secure.options("t/b", port=secure.doors[door], authority=authority))
    told = trouble(site, stream)
    assert told["code"] == "broker_untrusted"
    assert zh in told["zh"]
    assert en in told["en"]
    assert site.live(stream)["connected"] is False
    page = steward.get(f"/console/streams/{stream.id}", headers={"Accept": "text/html"}).text
    assert told["zh"] in page
    assert not secure.knows(stream)
    site.platform.streams.pause(SYSTEM, stream.id)


def test_a_door_without_tls_is_not_spoken_to_in_the_clear(site: Site, secure: SecureBroker) -> None:
    stream = site.add("明文口", StreamKind.MQTT, **secure.options("t/c", port=secure.doors["plain"]))
    assert trouble(site, stream)["code"] == "broker_no_tls"
    assert not secure.knows(stream)
    with pytest.raises(Invalid):
        site.platform.streams.change(SYSTEM, stream.id, {"tls": "maybe"})
    site.platform.streams.change(SYSTEM, stream.id, {"authority": "no certificate", "password": secure.password})
    until(lambda: (site.platform.streams.stream(SYSTEM, stream.id).trouble or {}).get("code") == "bad_options")
    site.platform.streams.pause(SYSTEM, stream.id)


class OldServer:
    """A server whose TLS ends at a version, and which keeps what it was told."""

    def __init__(self, certificate: tuple[Path, Path], last: ssl.TLSVersion) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*certificate)
        self._context.set_ciphers("ALL:@SECLEVEL=0")  # or OpenSSL itself would not speak so old a version
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            self._context.minimum_version = ssl.TLSVersion.TLSv1
            self._context.maximum_version = last
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = self._door.getsockname()[1]
        self.told: list[bytes] = []
        self.calls = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._door.accept()
            except OSError:
                return
            self.calls += 1
            line.settimeout(120)
            try:
                with self._context.wrap_socket(line, server_side=True) as secure:
                    self.told.append(secure.recv(1_000))
            except OSError:
                line.close()

    def close(self) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self._thread.join()


@pytest.mark.parametrize(("last", "spoken"), [(ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True)])
def test_versions_below_1_2_are_not_spoken(
    site: Site, secure: SecureBroker, last: ssl.TLSVersion, *, spoken: bool
) -> None:
    server = OldServer((secure.folder / "good.pem", secure.folder / "good.key"), last)
    willing = ssl.create_default_context(cadata=secure.authority.pem)
    willing.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        willing.minimum_version = ssl.TLSVersion.TLSv1
    with willing.wrap_socket(socket.create_connection(("127.0.0.1", server.port)), server_hostname="127.0.0.1") as line:
        line.sendall(b"hello")
        assert line.version() == {False: "TLSv1.1", True: "TLSv1.2"}[spoken], "the server does speak it"
    until(lambda: server.told == [b"hello"])
    site.platform.sources.allow(SYSTEM, Target(host="127.0.0.1", port=server.port, network="127.0.0.1/32"), "测试")
    name = f"版本{last.name}"
    stream = site.add(name, StreamKind.MQTT, **secure.options("t/d", port=server.port))
    if spoken:
        until(lambda: len(server.told) > 1)
        assert json.dumps(secure.user).strip('"').encode() in server.told[1]
    else:
        assert trouble(site, stream)["code"] == "broker_no_tls"
        until(lambda: server.calls > 1)
        assert server.told == [b"hello"]
    site.platform.streams.pause(SYSTEM, stream.id)
    until(lambda: "connected" not in site.live(stream))
    server.close()
