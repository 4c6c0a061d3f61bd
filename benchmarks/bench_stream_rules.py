"""Rules on a stream: how soon an alert stands after its reading at thousands a second, and what judging costs by itself.

Run: ``PYTHONPATH=src python benchmarks/bench_stream_rules.py [READINGS_A_SECOND] [SECONDS]``
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pyarrow as pa

from beijiang.access import PersonDraft, Role
from beijiang.build import Platform, build
from beijiang.ingest import ArrivedBatch, StreamDraft, StreamKind
from beijiang.kit import SYSTEM, Actor, BeijiangError
from beijiang.mining import AlertQuery, KeyState, RuleDraft, RuleKind, judge
from beijiang.mining.store import ReadingAlertStore
from beijiang.settings import Settings

RATE = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
SECONDS = int(sys.argv[2]) if len(sys.argv) > 2 else 20
SENSORS = 1_000
POSTS = 20
"""Requests a second; each holds an equal share of the readings."""
BAR = 2.0
COLUMNS = [
    {"name": "点位", "path": "s"},
    {"name": "时间", "path": "at", "type": "timestamp", "format": "epoch"},
    {"name": "温度", "path": "t", "type": "double"},
]
WORDS = {"key": "点位", "time": "时间", "value": "温度"}
RULES = {
    "threshold": RuleDraft(name="高温", kind=RuleKind.THRESHOLD, level=90.0, clear=80.0, **WORDS),
    "trend": RuleDraft(name="骤变", kind=RuleKind.TREND, level=1e6, window=600, **WORDS),
    "missing": RuleDraft(name="失联", kind=RuleKind.MISSING, silence=3600, key="点位", time="时间"),
}


def main() -> None:
    print(
        f"machine: {len(__import__('os').sched_getaffinity(0))} cores; {RATE:,} readings/s, {SENSORS:,} sensors, {SECONDS} s"
    )
    judging()
    with tempfile.TemporaryDirectory() as folder:
        platform = build(Settings.for_tests(Path(folder)))
        platform.first_start()
        platform.start()
        try:
            keeping(platform)
            arriving(platform)
        finally:
            platform.stop()
            platform.close()


def judging() -> None:
    """Time the judging alone: one rule, 100,000 readings in batches of one second."""
    base = 1_800_000_000.0
    for name, rule in RULES.items():
        states = {n: KeyState() for n in range(SENSORS)}
        begun = time.perf_counter()
        for step in range(100):
            for sensor, state in states.items():
                judge(rule, state, [(base + step, 20.0 + sensor % 7)], base + step)
        spent = time.perf_counter() - begun
        each = spent / (100 * SENSORS)
        print(f"judging alone, {name:<10} {each * 1e6:6.2f} us a reading = {each * RATE:6.1%} of a core at {RATE:,}/s")


def keeping(platform: Platform) -> None:
    """Time a second's readings, judged by the three rules and kept: the whole of what rules add to a stream."""
    stream = platform.streams.add(
        SYSTEM,
        StreamDraft(
            name="只判断", kind=StreamKind.WEBHOOK, org_id="forestry", table="只判断", options={"columns": COLUMNS}
        ),
    )
    for rule in RULES.values():
        platform.stream_rules.declare(SYSTEM, stream.id, rule)
    spent = 0.0
    for number in range(1, 12):
        now = int(time.time() * 1e6)
        rows = pa.table(
            {
                "点位": [f"点{i % SENSORS}" for i in range(RATE)],
                "时间": pa.array([now + i for i in range(RATE)], pa.timestamp("us", "UTC")),
                "温度": [20.0 + i % 9 for i in range(RATE)],
            }
        )
        batch = ArrivedBatch(
            stream_id=stream.id, table="只判断", last=number, rows=lambda names, _, rows=rows: rows.select(list(names))
        )
        begun = time.process_time()
        platform.stream_rules.hear(batch)
        spent += time.process_time() - begun if number > 1 else 0.0
    print(f"judged and kept, three rules: {spent / 10 * 1000:.0f} ms of processor for {RATE:,} readings")


def arriving(platform: Platform) -> None:
    stream = platform.streams.add(
        SYSTEM,
        StreamDraft(
            name="压测", kind=StreamKind.WEBHOOK, org_id="forestry", table="压测",
            options={"columns": COLUMNS, "batch_seconds": 0.2, "rows": "rows", "per_second": 1000},
        ),
    )  # fmt: skip
    platform.streams.start(SYSTEM, stream.id)
    rules = [platform.stream_rules.declare(SYSTEM, stream.id, rule) for rule in RULES.values()]
    platform.access.add_person(
        SYSTEM, PersonDraft(login="sender", name="sender", org_id="forestry", roles=frozenset({Role.STEWARD}))
    )
    sender = platform.access.actor_for_person("sender")
    sent: dict[str, float] = {}
    wait_ready(platform, sender, stream.id)
    seen: dict[str, float] = {}
    due = SECONDS * POSTS // 5
    watching = threading.Thread(target=watch, args=(platform, rules[0].id, seen, due))
    watching.start()
    begun = time.monotonic()
    threads = [threading.Thread(target=send, args=(platform, sender, stream.id, sent, n, begun)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spent = time.monotonic() - begun
    watching.join(90)
    waits = sorted(seen[sensor] - at for sensor, at in sent.items() if sensor in seen)
    p95 = waits[int(len(waits) * 0.95)] if waits else float("nan")
    print(f"load average {os.getloadavg()[0]:.1f} with all else that ran on the machine")
    print(
        f"sent {RATE * SECONDS:,} readings in {spent:.1f} s = {RATE * SECONDS / spent:,.0f}/s; alerts {len(waits)} of {len(sent)}"
    )
    worst = waits[-1] if waits else float("nan")
    print("| what | ours | bar | ratio |\n|---|--:|--:|--:|")
    print(
        f"| reading to alert, median | {statistics.median(waits):.2f} s | {BAR:.1f} s | {statistics.median(waits) / BAR:.2f} |"
    )
    print(f"| reading to alert, p95 | {p95:.2f} s | {BAR:.1f} s | {p95 / BAR:.2f} |")
    print(f"| reading to alert, worst | {worst:.2f} s | {BAR:.1f} s | {worst / BAR:.2f} |")
    assert len(platform.stream_rules.alerts(SYSTEM, AlertQuery(rule=rules[1].id))) == 0


def wait_ready(platform: Platform, sender: Actor, stream_id: str) -> None:
    for _ in range(200):
        try:
            platform.streams.receive(sender, stream_id, b'{"rows": []}')
        except BeijiangError:
            time.sleep(0.05)
        else:
            return


def send(platform: Platform, sender: Actor, stream_id: str, sent: dict[str, float], lane: int, begun: float) -> None:
    """Post a quarter of the readings, evenly; once a second one sensor is hot for the first time."""
    share = RATE // POSTS
    for number in range(lane, SECONDS * POSTS, 4):
        time.sleep(max(0.0, begun + number / POSTS - time.monotonic()))
        now = time.time()
        rows = [
            {"s": f"点{(number * share + i) % SENSORS}", "at": round(now, 3), "t": 20 + i % 9} for i in range(share)
        ]
        if number % 5 == 0:
            hot = f"热{number}"
            rows.append({"s": hot, "at": round(now, 3), "t": 99})
        platform.streams.receive(sender, stream_id, orjson.dumps({"rows": rows}))
        if number % 5 == 0:
            sent[hot] = now


def watch(platform: Platform, rule_id: str, seen: dict[str, float], due: int) -> None:
    """Note when each alert can first be read by others, looking twenty times a second."""
    deadline = time.monotonic() + SECONDS + 60
    while len(seen) < due and time.monotonic() < deadline:
        with platform.db.read() as connection:
            there = ReadingAlertStore(connection).lasting(rule_id)
        now = time.time()
        for sensor in there:
            seen.setdefault(sensor, now)
        time.sleep(0.05)


if __name__ == "__main__":
    print(datetime.now(UTC).isoformat(timespec="minutes"))
    main()
