"""The receiver is killed again and again while messages are published: each is in the table once, and in the windows."""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from pathlib import Path
from subprocess import PIPE

import pytest

from beijiang.build import Platform, build
from beijiang.ingest import StreamDraft, StreamKind
from beijiang.kit import SYSTEM
from beijiang.outbound import Target
from beijiang.settings import Settings
from beijiang.tables import WindowMeasure, WindowSpec
from nursery import Child
from waiting import until

from .conftest import Broker

VICTIM = Path(__file__).parents[1] / "faults" / "stream_victim.py"
KILLS = 8
MESSAGES = 5_000
COLUMNS = [
    {"name": "序号", "path": "n", "type": "integer"},
    {"name": "时间", "path": "at", "type": "timestamp", "format": "epoch"},
]


def test_every_message_counts_once_whenever_the_receiver_is_killed(
    request: pytest.FixtureRequest, tmp_path: Path, broker: Broker
) -> None:
    platform = build(Settings.for_tests(tmp_path))
    platform.first_start()
    way = Target(host="127.0.0.1", port=broker.port, network="127.0.0.1/32")
    platform.sources.allow(SYSTEM, way, "测试用消息服务器")
    options = broker.options("kill/#", columns=COLUMNS, batch_seconds=0.4, inflight=500)
    draft = StreamDraft(name="断电", kind=StreamKind.MQTT, org_id="education", table="断电", options=options)
    stream = platform.streams.add(SYSTEM, draft)
    platform.streams.start(SYSTEM, stream.id)
    hour = WindowSpec(time="时间", size=3_600, slide=3_600, measures=(WindowMeasure.parse("count"),), lateness=10**6)
    platform.windows.add(SYSTEM, stream.id, "断电小时", hour)
    platform.close()
    dice = random.Random(20261125)  # noqa: S311 - instants, no secret

    def publish() -> None:
        for start in range(0, MESSAGES, 250):
            part = range(start, start + 250)
            broker.publish([("kill/a", json.dumps({"n": n, "at": 1_764_000_000 + n}).encode()) for n in part])
            time.sleep(0.25)

    victim = _begin(tmp_path)  # its session is what the broker keeps messages for
    until((tmp_path / "home/spool" / stream.id / "topics.json").exists)
    publisher = threading.Thread(target=publish)
    publisher.start()
    for _ in range(KILLS):
        time.sleep(dice.uniform(0.05, 1.2))
        victim.kill()
        victim.wait()
        victim = _begin(tmp_path)
    publisher.join()
    looking = build(Settings.for_tests(tmp_path))
    request.addfinalizer(looking.close)
    request.addfinalizer(victim.wait)
    request.addfinalizer(victim.terminate)
    until(lambda: _rows(looking) >= MESSAGES, 300)
    time.sleep(1.5)  # what came twice would come now
    newest = looking.tables.get(SYSTEM, "断电").version
    until(lambda: looking.windows.window(SYSTEM, "断电小时").note.get("source", {}).get("version", 0) >= newest)  # type: ignore[union-attr]
    until(lambda: all(_is_seen(looking, table) for table in ("断电", "断电小时")))
    assert _rows(looking) == MESSAGES
    numbers = looking.sql.run(
        SYSTEM, 'SELECT count(DISTINCT "序号") AS n, min("序号") AS a, max("序号") AS z FROM "断电"'
    )
    assert numbers.rows.to_pylist() == [{"n": MESSAGES, "a": 0, "z": MESSAGES - 1}]
    counted = looking.sql.run(SYSTEM, 'SELECT sum("count") AS n FROM "断电小时"').rows.to_pylist()
    assert int(counted[0]["n"]) == MESSAGES
    until(
        lambda: (
            looking.tables.positions(SYSTEM, "断电")[stream.id] == looking.streams.stream(SYSTEM, stream.id).position
        )
    )


def _is_seen(platform: Platform, table: str) -> bool:
    """Whether the gate knows the newest version of a table."""
    facts = platform.protection.facts(table)
    return facts is not None and facts.version >= platform.tables.get(SYSTEM, table).version


def _rows(platform: Platform) -> int:
    return platform.tables.get(SYSTEM, "断电").rows if "断电" in platform.tables.names(SYSTEM) else 0


def _begin(folder: Path) -> Child:
    victim = Child([sys.executable, str(VICTIM), str(folder)], stdout=PIPE, text=True)
    assert victim.stdout is not None
    with victim.stdout as said:
        assert said.readline() == "ready\n"
    return victim
