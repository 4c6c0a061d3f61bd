"""Forest-fire protection in the demo region: stations that send readings, rules that judge them, alerts, hot spots, duty."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from beijiang.demo.files.forest import (
    READING_COLUMNS,
    about_alerts,
    about_readings,
    readings,
    write_duty,
    write_hot_spots,
)
from beijiang.demo.files.scene import Scene
from beijiang.ingest import StreamDraft, StreamKind
from beijiang.kit import Conflict, Unavailable
from beijiang.mining import RuleDraft

if TYPE_CHECKING:
    from beijiang.demo.files import HandIn
    from beijiang.ingest import Stream
    from beijiang.kit import Actor
    from beijiang.platform import Platform

T = TypeVar("T")

__all__ = ["ALERTS", "READINGS", "add_forest"]

READINGS: Final = "森林火险气象"
ALERTS: Final = "森林火险预警"
_WAIT: Final = 120.0
_WORDS: Final = {"key": "站点名称", "time": "观测时间", "value": "火险指数"}
_TYPES: Final = {"观测时间": "timestamp", **dict.fromkeys(READING_COLUMNS[4:6] + READING_COLUMNS[7:], "double")}
_RULES: Final[tuple[Mapping[str, Any], ...]] = (
    {
        "name": "高火险",
        "level": 12,
        "clear": 10,
        "zh": "{sensor}火险指数 {value}，达到高火险（{level}）",
        "en": "{sensor}: fire danger {value}, high from {level}",
    },
    {
        "name": "甚高火险",
        "level": 25,
        "clear": 20,
        "severity": "critical",
        "zh": "{sensor}火险指数 {value}，达到甚高火险（{level}）",
        "en": "{sensor}: fire danger {value}, very high from {level}",
    },
    {
        "name": "火险骤升",
        "kind": "trend",
        "level": 10,
        "clear": 5,
        "window": 6 * 3600,
        "readings": 4,
        "severity": "notice",
        "quiet": "22:00-06:00",
        "zh": "{sensor}火险指数比前 6 小时均值高 {value}",
        "en": "{sensor}: fire danger {value} over its mean of 6 hours",
    },
    {"name": "观测点失联", "kind": "missing", "silence": 7 * 86_400, "severity": "notice", "value": ""},
)


def add_forest(
    platform: Platform,
    steward: Actor,
    folder: Path,
    seed: int,
    take_in: Callable[[HandIn], None],
    publish: Callable[[HandIn], None],
) -> None:
    """Bring the tables of forest-fire protection to the catalog; what an earlier start did stays."""
    folder.mkdir(parents=True, exist_ok=True)
    scene, now = Scene(folder, seed, 1.0), platform.clock.now()
    for hand_in in (write_duty(scene, platform.exchange.today), write_hot_spots(scene, now)):
        take_in(hand_in)
        publish(hand_in)
    stream = _stream(platform, steward)
    if platform.tables.schema(steward, READINGS) is None:
        _send(platform, steward, scene, stream)
    publish(about_readings(scene, READINGS))
    platform.stream_rules.write_records(at_once=True)
    made = _until(lambda: platform.tables.schema(steward, ALERTS))
    assert made is not None  # noqa: S101  # it was waited for
    columns = [name for name in made.names if not name.startswith("_")]
    publish(about_alerts(scene, ALERTS, columns))


def _stream(platform: Platform, steward: Actor) -> Stream:
    """Return the stream of the stations' readings with its rules, made if need be."""
    known = {one.table: one for one in platform.streams.streams(steward)}
    if READINGS not in known:
        columns = [{"name": name, "path": name, "type": _TYPES.get(name, "text")} for name in READING_COLUMNS]
        draft = StreamDraft(
            name=READINGS,
            kind=StreamKind.WEBHOOK,
            org_id="forestry",
            table=READINGS,
            options={"columns": columns, "rows": "rows", "batch_seconds": 1.0},
        )
        known[READINGS] = platform.streams.add(steward, draft)
    stream = platform.streams.start(steward, known[READINGS].id)
    there = {one.draft.name for one in platform.stream_rules.rules(steward, stream.id)}
    for says in _RULES:
        if says["name"] not in there:
            rule = RuleDraft.from_json({"kind": "threshold", **_WORDS, **says})
            platform.stream_rules.declare(steward, stream.id, rule)
    if not there:
        platform.stream_rules.record_into(steward, stream.id, ALERTS)
    return stream


def _send(platform: Platform, steward: Actor, scene: Scene, stream: Stream) -> None:
    """Post the readings of two days, hour by hour, as the stations' gateway would, and wait until they are in the table."""

    def post(body: bytes, key: str) -> object:
        try:
            return platform.streams.receive(steward, stream.id, body, key=key)
        except (Conflict, Unavailable):  # the stream is only just being taken up
            return None

    rows = 0
    for hour in readings(scene, platform.clock.now()):
        rows += len(hour)
        body = json.dumps({"rows": [one.cells for one in hour]}, ensure_ascii=False).encode()
        _until(lambda body=body, key=f"{hour[0].at:%Y%m%d%H}": post(body, key))  # type: ignore[misc]
    _until(
        lambda: (
            platform.tables.schema(steward, READINGS) is not None
            and platform.tables.get(steward, READINGS).rows >= rows
        )
    )


def _until(what: Callable[[], T]) -> T:
    deadline = time.monotonic() + _WAIT
    while not (found := what()):
        if time.monotonic() > deadline:
            raise Unavailable(
                f"演示数据流“{READINGS}”没有按时入表。",
                f"The demo stream {READINGS} did not get into its table in time.",
                code="demo_run_failed",
            )
        time.sleep(0.1)
    return found
