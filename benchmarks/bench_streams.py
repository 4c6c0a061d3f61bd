"""MQTT messages a second into a committed table, exactly once although the receiver is killed; webhook requests a second.

    PYTHONPATH=src python benchmarks/bench_streams.py [seconds]

Broker (Debian's mosquitto), publisher, receiver and table share the machine.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from report import Line, show

from beijiang.build import Platform, build
from beijiang.ingest import StreamDraft, StreamKind
from beijiang.kit import SYSTEM
from beijiang.outbound import Target
from beijiang.settings import Settings

RATE = 5_000
KEY = "a-signing-key-of-the-benchmark-only"
COLUMNS = [
    {"name": "传感器", "path": "$topic.2"},
    {"name": "序号", "path": "n", "type": "integer"},
    {"name": "温度", "path": "t", "type": "double"},
]
PUBLISHER = """
import sys, time
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
port, rate, seconds, first = map(int, sys.argv[1:])
client = Client(CallbackAPIVersion.VERSION2)
client.max_inflight_messages_set(0)
client.max_queued_messages_set(0)
client.connect("127.0.0.1", port)
client.loop_start()
begin, last = time.perf_counter(), None
for tick in range(seconds * 20):
    for n in range(first + tick * rate // 20, first + (tick + 1) * rate // 20):
        last = client.publish(f"sensors/s{n % 97}", b'{"n": %d, "t": 21.5}' % n, qos=1)
    time.sleep(max(0.0, begin + (tick + 1) / 20 - time.perf_counter()))
last.wait_for_publish(120)
print(time.perf_counter() - begin)
"""


def main(seconds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="bj-bench-") as name:
        folder = Path(name)
        port, broker = mosquitto(folder)
        home = folder / "home"
        platform = build(Settings(home=home, port=0))
        platform.first_start()
        platform.sources.allow(SYSTEM, Target(host="127.0.0.1", port=port, network="127.0.0.1/32"), "bench")
        options = {
            "host": "127.0.0.1",
            "port": port,
            "tls": "off",
            "topics": ["sensors/#"],
            "columns": COLUMNS,
            "batch_seconds": 5,
        }
        add(platform, "测温", StreamKind.MQTT, options)
        posted = {
            "columns": [{"name": "序号", "path": "n", "type": "integer"}],
            "signing_key": KEY,
            "per_second": 100_000,
        }
        hook = add(platform, "推送", StreamKind.WEBHOOK, posted)
        platform.close()
        try:
            lines = [*mqtt(home, port, seconds), *webhook(home, hook)]
        finally:
            broker.terminate()
            broker.wait()
        show(f"streams: {RATE:,} messages a second for {seconds} s, receiver killed once", lines)


def mosquitto(folder: Path) -> tuple[int, subprocess.Popen[bytes]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = [f"listener {port} 127.0.0.1", "allow_anonymous true", "max_queued_messages 0", "max_inflight_messages 0"]
    (folder / "conf").write_text("\n".join(words) + "\n")
    program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
    broker = subprocess.Popen(
        [str(program), "-c", str(folder / "conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    time.sleep(0.5)
    return port, broker


def add(platform: Platform, name: str, kind: StreamKind, options: dict[str, object]) -> str:
    made = platform.streams.add(
        SYSTEM, StreamDraft(name=name, kind=kind, org_id="education", table=name, options=options)
    )
    platform.streams.start(SYSTEM, made.id)
    return made.id


def serve(home: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Serve the home in a process of its own and return its address once it answers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "beijiang.cli", "serve", "--port", str(port), "--home", str(home), "--lang", "en"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    while process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{address}/health", timeout=5).status_code == httpx.codes.OK:
                break
        time.sleep(0.1)
    return process, address


def mqtt(home: Path, port: int, seconds: int) -> list[Line]:
    server, _ = serve(home)
    looking = build(Settings(home=home, port=0))
    while not dict(looking.streams.stream(SYSTEM, "测温").live).get("connected"):
        time.sleep(0.1)
    total = RATE * seconds
    begin = time.perf_counter()
    command = [sys.executable, "-c", PUBLISHER, str(port), str(RATE), str(seconds), "0"]
    publisher = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    time.sleep(seconds / 2)
    server.kill()
    server.wait()
    server, _ = serve(home)
    published = float(publisher.communicate()[0])
    rows, deadline = 0, time.monotonic() + 300
    while rows < total and time.monotonic() < deadline:
        time.sleep(0.1)
        rows = looking.tables.get(SYSTEM, "测温").rows if "测温" in looking.tables.names(SYSTEM) else 0
    took = time.perf_counter() - begin
    time.sleep(6)  # one more batch, in which a doubled message would come
    rows = looking.tables.get(SYSTEM, "测温").rows
    found = looking.sql.run(SYSTEM, 'SELECT count(DISTINCT "序号") AS n FROM "测温"').rows.to_pylist()[0]["n"]
    server.terminate()
    server.wait()
    looking.close()
    print(
        f"published {total:,} in {published:.1f} s; in the table after {took:.1f} s: {rows:,} rows, {found:,} different"
    )
    assert (rows, found) == (total, total), "a message was lost or counted twice"
    return [
        Line(f"seconds to publish {total:,}", published, f"at {RATE:,}/s", seconds, 1.05),
        Line("seconds from the last published to the last row", took - published, "limit", 15, 1.0),
    ]


def webhook(home: Path, stream: str) -> list[Line]:
    from beijiang.ingest.service.signing import signature_of

    server, address = serve(home)
    path = f"{address}/api/v1/streams/{stream}/messages"
    local = threading.local()

    def post(number: int, size: int) -> int:
        if not hasattr(local, "client"):
            local.client = httpx.Client(timeout=30)
        body = json.dumps([{"n": number * size + i} for i in range(size)]).encode()
        moment = f"{time.time():.6f}"
        told = {"X-Beijiang-Timestamp": moment, "X-Beijiang-Signature": signature_of(KEY, moment, str(number), body)}
        answer = local.client.post(path, content=body, headers={**told, "Idempotency-Key": str(number)})
        return int(answer.status_code)

    while post(0, 1) != 202:
        time.sleep(0.2)
    found = []
    with ThreadPoolExecutor(16) as many:
        for start, count, size in ((1, 3_000, 1), (10_000, 500, 100)):
            begin = time.perf_counter()
            codes = list(many.map(lambda n, size=size: post(n, size), range(start, start + count)))
            took = time.perf_counter() - begin
            assert set(codes) == {202}, set(codes)
            found.append(count * size / took)
    server.terminate()
    server.wait()
    return [
        Line("seconds for 1,000 webhook requests of one message", 1_000 / found[0], "at 500/s", 2, 1.0),
        Line("seconds for 50,000 webhook messages, 100 a request", 50_000 / found[1], "at 5,000/s", 10, 1.0),
    ]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
