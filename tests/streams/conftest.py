"""A platform that really serves, a real Mosquitto, and the few words in which a test speaks to both."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from beijiang.access import KeyDraft, PersonDraft, Role
from beijiang.app import create_app
from beijiang.build import Platform, build
from beijiang.ingest import Stream, StreamDraft, StreamKind
from beijiang.kit import SYSTEM
from beijiang.outbound import Target
from beijiang.settings import Settings
from ports import listens, own_port
from waiting import until

ORG = "education"
RUNNER = (
    "ingest:run:read",
    "ingest:run:submit",
    "ingest:source:read",
    "jobs:job:submit",
    "tables:table:read_metadata",
    "tables:table:write",
)
COLUMNS = [
    {"name": "传感器", "path": "sensor", "comment": "编号"},
    {"name": "时间", "path": "at", "type": "timestamp"},
    {"name": "温度", "path": "t", "type": "decimal", "precision": 8, "scale": 2},
    {"name": "序号", "path": "n", "type": "integer"},
]


@dataclass
class Site:
    """A served platform, spoken to over HTTP and through its services."""

    platform: Platform
    address: str
    keys: dict[str, str]
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.http = httpx.Client(base_url=self.address, timeout=120)

    def add(self, name: str, kind: StreamKind = StreamKind.WEBHOOK, **words: Any) -> Stream:
        given = {"table": name, "key": (), "columns": COLUMNS, "batch_seconds": 0.3, **words}
        draft = StreamDraft(
            name=name, kind=kind, org_id=ORG, table=given.pop("table"), key=tuple(given.pop("key")), options=given
        )
        made = self.platform.streams.add(SYSTEM, draft)
        self.platform.streams.start(SYSTEM, made.id)
        if kind is StreamKind.WEBHOOK:
            until(lambda: self.post(made, b"").status_code not in {409, 503})
        return made

    def post(self, stream: Stream, body: Any, key: str = "", who: str = "sender", **headers: str) -> httpx.Response:
        sent = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        told = {"Content-Type": "application/json", **headers}
        if who:
            told["Authorization"] = f"Bearer {self.keys[who]}"
        if key:
            told["Idempotency-Key"] = key
        return self.http.post(f"/api/v1/streams/{stream.id}/messages", content=sent, headers=told)

    def rows(self, table: str, what: str = "*", rest: str = "") -> list[dict[str, Any]]:
        newest = self.platform.tables.get(SYSTEM, table).version
        until(lambda: (f := self.platform.protection.facts(table)) is not None and f.version >= newest)
        return self.platform.sql.run(SYSTEM, f'SELECT {what} FROM "{table}" {rest}').rows.to_pylist()

    def count(self, table: str) -> int:
        if table not in self.platform.tables.names(SYSTEM):
            return 0
        return int(self.platform.tables.get(SYSTEM, table).rows)

    def runs(self, table: str) -> list[Any]:
        return [r for r in self.platform.ingest.runs(SYSTEM, table=table, limit=200) if r.ended]

    def live(self, stream: Stream) -> dict[str, Any]:
        return {**self.platform.streams.stream(SYSTEM, stream.id).live}


def key_of(platform: Platform, login: str, *scopes: str, org: str = ORG) -> str:
    """Return an API key of a data steward who has set a password."""
    draft = PersonDraft(login=login, name=login, org_id=org, roles=frozenset({Role.STEWARD}))
    _, code = platform.access.add_person(SYSTEM, draft)
    fresh = platform.access.sign_in(login, code, "tests")
    signed = platform.access.change_password(fresh.actor, code, "Steppe-under-a-wide-sky-26")
    return platform.access.issue_key(signed.actor, KeyDraft(name="钥匙", scopes=frozenset(scopes), days=30))[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    built = build(Settings.for_tests(tmp_path_factory.mktemp("streams")))
    built.first_start()
    built.start()
    keys = {
        "sender": key_of(built, "sender", "ingest:message:send"),
        "reader": key_of(built, "reader", "ingest:source:read"),
        "runner": key_of(built, "runner", *RUNNER),
        "other": key_of(built, "other", "ingest:message:send", org="bigdata"),
    }
    server = uvicorn.Server(
        uvicorn.Config(create_app(built), host="127.0.0.1", port=0, log_level="warning", lifespan="off")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started)
    made = Site(built, f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", keys)
    yield made
    made.http.close()
    server.should_exit = True
    thread.join()
    built.stop()
    built.close()


@dataclass
class Broker:
    """A Mosquitto of our own on loopback, with an account and its state on disk."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    user: str = "wuhai"
    password: str = "sand-and-steppe"

    def start(self) -> None:
        program = str(shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin"))
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([program, "-c", str(self.folder / "conf")], stdout=log, stderr=log)
        listens(self.port, self.process, self.folder / "log")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait()

    def publish(self, messages: list[tuple[str, bytes]], qos: int = 1, pace: float = 0.0) -> None:
        """Publish and wait until the broker has acknowledged everything."""
        client = Client(CallbackAPIVersion.VERSION2)
        client.username_pw_set(self.user, self.password)
        client.max_inflight_messages_set(200)
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        infos = []
        for topic, payload in messages:
            infos.append(client.publish(topic, payload, qos=qos))
            if pace:
                time.sleep(pace)
        for info in infos:
            info.wait_for_publish(120)
            assert info.is_published()
        client.disconnect()
        client.loop_stop()

    def options(self, *topics: str, **changes: Any) -> dict[str, Any]:
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "tls": "off",
            "user": self.user,
            "password": self.password,
            "topics": list(topics),
            **changes,
        }


@pytest.fixture(scope="session")
def mosquitto() -> None:
    """See to it that the broker's program is there."""
    if shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin") is None:
        # A newcomer's machine may lack it and is told; CI installs it, and there nothing may be skipped.
        absent = pytest.fail if os.environ.get("CI") else pytest.skip
        absent("Mosquitto is missing; get it with: apt-get install -y --no-install-recommends mosquitto")


@pytest.fixture(scope="session")
def broker(mosquitto: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    del mosquitto
    folder = tmp_path_factory.mktemp("mosquitto")
    port = own_port()
    made = Broker(folder, port)
    configure(made, f"listener {port} 127.0.0.1")
    made.start()
    yield made
    made.stop()


def configure(broker: Broker, *listeners: str) -> None:
    """Write a broker's account and configuration."""
    folder = broker.folder
    secret = shutil.which("mosquitto_passwd", path=f"{os.environ['PATH']}:/usr/sbin")
    subprocess.run(
        [str(secret), "-b", "-c", str(folder / "accounts"), broker.user, broker.password],
        check=True,
        capture_output=True,
    )
    (folder / "accounts").chmod(0o644)
    lines = [
        "allow_anonymous false",
        f"password_file {folder / 'accounts'}",
        "persistence true",
        f"persistence_location {folder}/",
        "max_queued_messages 0",
        "max_inflight_messages 0",
        *(["user root"] if os.getuid() == 0 else []),
        *listeners,
    ]
    (folder / "conf").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def open_way(site: Site, broker: Broker) -> None:
    """Let the platform reach the broker."""
    site.platform.sources.allow(
        SYSTEM, Target(host="127.0.0.1", port=broker.port, network="127.0.0.1/32"), "测试用消息服务器"
    )
