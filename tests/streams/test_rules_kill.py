"""The receiver is killed again and again while readings arrive: every alert is raised once, and none is lost."""

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
from beijiang.mining import AlertQuery, RuleDraft, RuleKind
from beijiang.outbound import Target
from beijiang.settings import Settings
from nursery import Child
from waiting import until

from .conftest import Broker

VICTIM = Path(__file__).parents[1] / "faults" / "stream_victim.py"
KILLS = 8
SENSORS = 1_000
COLUMNS = [
    {"name": "点位", "path": "s"},
    {"name": "时间", "path": "at", "type": "timestamp", "format": "epoch"},
    {"name": "温度", "path": "t", "type": "double"},
]


def test_every_alert_is_raised_once_whenever_the_receiver_is_killed(
    request: pytest.FixtureRequest, tmp_path: Path, broker: Broker
) -> None:
    platform = build(Settings.for_tests(tmp_path))
    platform.first_start()
    way = Target(host="127.0.0.1", port=broker.port, network="127.0.0.1/32")
    platform.sources.allow(SYSTEM, way, "测试用消息服务器")
    options = broker.options("fire/#", columns=COLUMNS, batch_seconds=0.3, inflight=500)
    draft = StreamDraft(name="火情", kind=StreamKind.MQTT, org_id="education", table="火情", options=options)
    stream = platform.streams.add(SYSTEM, draft)
    platform.streams.start(SYSTEM, stream.id)
    said = RuleDraft(name="高温", kind=RuleKind.THRESHOLD, key="点位", time="时间", value="温度", level=40.0)
    rule = platform.stream_rules.declare(SYSTEM, stream.id, said)
    platform.close()
    dice = random.Random(20261127)  # noqa: S311 - instants, no secret
    now = int(time.time())
    # Each sensor is hot once; the odd ones cool down again. A reading that comes twice is late the second time.
    readings = [(f"点{n}", now - 600, 50) for n in range(SENSORS)]
    readings += [(f"点{n}", now - 300, 20) for n in range(1, SENSORS, 2)]

    def publish() -> None:
        for start in range(0, len(readings), 100):
            part = readings[start : start + 100]
            broker.publish([("fire/a", json.dumps({"s": s, "at": at, "t": t}).encode()) for s, at, t in part])
            time.sleep(0.3)

    victim = _begin(tmp_path)
    until((tmp_path / "home/spool" / stream.id / "topics.json").exists)
    publisher = threading.Thread(target=publish)
    publisher.start()
    for _ in range(KILLS):
        time.sleep(dice.uniform(0.1, 1.2))
        victim.kill()
        victim.wait()
        victim = _begin(tmp_path)
    publisher.join()
    looking = build(Settings.for_tests(tmp_path))
    request.addfinalizer(looking.close)
    request.addfinalizer(victim.wait)
    request.addfinalizer(victim.terminate)
    until(lambda: _rows(looking) >= len(readings), 300)
    newest = looking.tables.get(SYSTEM, "火情").version
    until(lambda: (f := looking.protection.facts("火情")) is not None and f.version >= newest)
    time.sleep(1.0)  # what came twice would come now
    alerts = looking.stream_rules.alerts(SYSTEM, AlertQuery(rule=rule.id, limit=10_000))
    assert sorted(a.sensor for a in alerts) == sorted({s for s, _, _ in readings})
    assert sorted(a.sensor for a in alerts if not a.lasts) == sorted(f"点{n}" for n in range(1, SENSORS, 2))
    steps = [s.kind.value for a in alerts if not a.lasts for s in looking.stream_rules.steps(SYSTEM, a.id)]
    assert steps == ["raise", "clear"] * (SENSORS // 2)
    until(
        lambda: (
            looking.stream_rules.rule(SYSTEM, rule.id).position == looking.streams.stream(SYSTEM, stream.id).position
        )
    )


def _rows(platform: Platform) -> int:
    return platform.tables.get(SYSTEM, "火情").rows if "火情" in platform.tables.names(SYSTEM) else 0


def _begin(folder: Path) -> Child:
    victim = Child([sys.executable, str(VICTIM), str(folder)], stdout=PIPE, text=True)
    assert victim.stdout is not None
    with victim.stdout as said:
        assert said.readline() == "ready\n"
    return victim
