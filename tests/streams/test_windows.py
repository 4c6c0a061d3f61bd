"""Window tables follow their stream: equal to a computation from scratch after late, doubled, corrected and rolled-back rows."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from beijiang.ingest.models import WINDOW_JOB
from beijiang.ingest.store.streams import StreamStore
from beijiang.kit import SYSTEM, Invalid
from beijiang.tables import WindowMeasure, WindowSpec
from waiting import until

from .conftest import COLUMNS, ORG, Site

BEGIN = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)
"""Midnight in Beijing."""
MEASURES = ("count", "合计=sum:温度", "平均=mean:温度", "min:温度", "max:序号", "最后=last:序号")


def spec(**words: Any) -> WindowSpec:
    given = {"time": "时间", "size": 600, "slide": 600, "groups": ("传感器",), "lateness": 86_400, **words}
    return WindowSpec(measures=tuple(WindowMeasure.parse(m) for m in MEASURES), **given)


def reading(n: int, seconds: int, sensor: str = "") -> dict[str, Any]:
    at = BEGIN + timedelta(seconds=seconds)
    return {"sensor": sensor or f"S{n % 3}", "at": at.isoformat(), "t": n % 50 / 4, "n": n}


def expected(rows: list[dict[str, Any]], size: int, slide: int) -> dict[tuple[str, datetime], tuple[Any, ...]]:
    """Compute windows the plain way."""
    parts: dict[tuple[str, datetime], list[dict[str, Any]]] = {}
    for row in rows:
        seconds = int((row["时间"] - BEGIN).total_seconds())
        first = seconds // slide * slide
        for start in range(first, first - size, -slide):
            parts.setdefault((row["传感器"], BEGIN + timedelta(seconds=start)), []).append(row)
    found = {}
    for key, part in parts.items():
        values = [r["温度"] for r in part]
        last = max(part, key=lambda r: r["时间"])["序号"]
        total = sum(values)
        found[key] = (
            len(part),
            total,
            round(float(total) / len(part), 9),
            min(values),
            max(r["序号"] for r in part),
            last,
        )
    return found


def held(site: Site, table: str) -> dict[tuple[str, datetime], tuple[Any, ...]]:
    return {
        (r["传感器"], r["窗口开始"]): (
            r["count"],
            r["合计"],
            round(r["平均"], 9),
            r["温度_min"],
            r["序号_max"],
            r["最后"],
        )
        for r in site.rows(table)
    }


def followed(site: Site, table: str, source: str) -> dict[str, Any]:
    """Wait until a window table stands at its source's newest version and return its place."""
    newest = site.platform.tables.get(SYSTEM, source).version

    def there() -> Any:
        window = site.platform.windows.window(SYSTEM, table)
        at: Any = window.note.get("source", {})
        return at if at.get("version") == newest else None

    return dict(until(there))


def test_tumbling_and_sliding_windows_stay_equal_to_a_computation_from_scratch(site: Site) -> None:
    stream = site.add("风速")
    dice = random.Random(20261125)  # noqa: S311 - instants, no secret
    instants = dice.sample(range(7_200), 400)
    order = sorted(range(400), key=lambda n: instants[n] + dice.uniform(-900, 900))
    for n, part in enumerate((order[:150], order[150:300], order[300:])):
        assert site.post(stream, [reading(i, instants[i]) for i in part]).status_code == 202
        until(lambda n=n: site.count("风速") == (150, 300, 400)[n])
        if n == 0:  # the rest arrives while the windows follow
            site.platform.windows.add(SYSTEM, stream.id, "风速十分钟", spec())
            site.platform.windows.add(SYSTEM, stream.id, "风速滑动", spec(size=1_800, slide=600))
    for table, size, slide in (("风速十分钟", 600, 600), ("风速滑动", 1_800, 600)):
        place = followed(site, table, "风速")
        assert (place["late"], place["left_out"]) == (0, 0)
        assert held(site, table) == expected(site.rows("风速"), size, slide)
    version = site.platform.tables.get(SYSTEM, "风速十分钟").version
    site.platform.tables.compact(SYSTEM, "风速")
    followed(site, "风速十分钟", "风速")
    assert held(site, "风速十分钟") == expected(site.rows("风速"), 600, 600)
    site.platform.streams.pause(SYSTEM, stream.id)
    site.platform.tables.rollback(SYSTEM, "风速", 1, "试")
    followed(site, "风速十分钟", "风速")
    assert site.count("风速") == 150
    assert held(site, "风速十分钟") == expected(site.rows("风速"), 600, 600)
    assert site.platform.tables.get(SYSTEM, "风速十分钟").version > version


def test_a_late_reading_changes_its_window_until_its_time_is_up_and_is_counted_after(site: Site) -> None:
    stream = site.add("雨量")
    site.platform.windows.add(SYSTEM, stream.id, "雨量十分钟", spec(lateness=1_200))

    def send(*readings: tuple[int, int]) -> dict[str, Any]:
        rows = site.count("雨量") + len(readings)
        site.post(stream, [reading(n, seconds, "S") for n, seconds in readings])
        until(lambda: site.count("雨量") == rows)
        return followed(site, "雨量十分钟", "雨量")

    send((1, 10), (2, 650))
    place = send((3, 1_790), (4, 20))
    assert place["late"] == 0
    assert held(site, "雨量十分钟")["S", BEGIN][0] == 2, "the first window has ended and still takes a row"
    send((5, 1_900))
    place = send((6, 30), (7, 700), (8, 2_000))
    assert place["late"] == 1, "the first window ended 1,200 seconds before the latest moment seen"
    now = held(site, "雨量十分钟")
    assert now["S", BEGIN][0] == 2
    assert now["S", BEGIN + timedelta(seconds=600)][0] == 2
    assert site.count("雨量") == 8, "the raw table has it"
    site.post(stream, {"sensor": "S", "t": 1, "n": 9})
    until(lambda: site.count("雨量") == 9)
    assert followed(site, "雨量十分钟", "雨量")["left_out"] == 1


def test_a_corrected_reading_moves_between_windows(site: Site) -> None:
    stream = site.add("校正", key=("序号",))
    site.platform.windows.add(SYSTEM, stream.id, "校正十分钟", spec())
    site.post(stream, [reading(1, 10, "S"), reading(2, 20, "S"), reading(3, 1_300, "S")])
    until(lambda: site.count("校正") == 3)
    followed(site, "校正十分钟", "校正")
    site.post(stream, [reading(3, 650, "S"), reading(2, 30, "S")])
    until(lambda: site.platform.tables.get(SYSTEM, "校正").version == 2)
    followed(site, "校正十分钟", "校正")
    now = held(site, "校正十分钟")
    assert now == expected(site.rows("校正"), 600, 600)
    assert ("S", BEGIN + timedelta(seconds=1_200)) not in now, "the emptied window has left"


def test_a_window_is_as_sensitive_as_what_it_was_made_from(site: Site) -> None:
    stream = site.add("心率", columns=[*COLUMNS, {"name": "身份证号", "path": "id"}])
    ids = ["150102199003071518", "15010219900307571X"]
    site.post(stream, [{**reading(n, n), "id": ids[n % 2]} for n in range(20)])
    until(lambda: site.count("心率") == 20)
    site.rows("心率", "序号")
    site.platform.protection.correct(SYSTEM, "心率", "温度", level="L3", reason="体征数据")
    given = WindowSpec(
        time="时间",
        size=60,
        slide=60,
        groups=("身份证号",),
        measures=(WindowMeasure.parse("平均=mean:温度"), WindowMeasure.parse("count")),
    )
    site.platform.windows.add(SYSTEM, stream.id, "心率分钟", given)
    followed(site, "心率分钟", "心率")
    until(lambda: site.platform.protection.facts("心率分钟"))
    origin = {g.column: g for g in site.platform.protection.grades(SYSTEM, "心率")}
    made = {g.column: g for g in site.platform.protection.grades(SYSTEM, "心率分钟")}
    assert made["平均"].level == "L3"
    assert (made["身份证号"].level, made["身份证号"].kind, made["身份证号"].mask) == (
        origin["身份证号"].level,
        origin["身份证号"].kind,
        origin["身份证号"].mask,
    )
    # What is found out about the source later holds for the windows at once, not with the next message.
    site.platform.protection.correct(SYSTEM, "心率", "温度", level="L4", reason="可识别个人的体征")
    site.platform.tables.compact(SYSTEM, "心率分钟")
    grades = site.platform.protection.view_of("心率分钟").grades
    assert grades["平均"].level == "L4"
    assert grades["count"].level == made["count"].level


def test_windows_that_do_not_fit_are_refused(site: Site) -> None:
    stream = site.add("不合")
    for words in (
        {"time": "序号"},
        {"groups": ("没有",)},
        {"size": 600, "slide": 700},
        {"size": 600, "slide": 250},
        {"lateness": -1},
    ):
        with pytest.raises(Invalid):
            site.platform.windows.add(SYSTEM, stream.id, "不合窗口", spec(**words))
    for text in ("median:温度", "sum", "count:温度", "=sum:温度"):
        with pytest.raises(Invalid):
            WindowMeasure.parse(text)
    adds = WindowSpec(time="时间", size=60, slide=60, measures=(WindowMeasure.parse("sum:传感器"),))
    with pytest.raises(Invalid, match="holds no numbers"):
        site.platform.windows.add(SYSTEM, stream.id, "不合窗口", adds)


def test_a_window_whose_writer_died_before_it_could_say_so_says_so_at_its_next_turn(site: Site) -> None:
    stream = site.add("断点读数")
    site.post(stream, [reading(n, n) for n in range(10)])
    until(lambda: site.count("断点读数") == 10)
    window = site.platform.windows.add(SYSTEM, stream.id, "断点窗口", spec())
    place = followed(site, "断点窗口", "断点读数")
    error = {"error": {"code": "gone", "zh": "中断", "en": "cut off"}}
    with site.platform.db.begin() as tx:  # the windows were committed, the words about them were not
        StreamStore(tx.connection).note_window(window.id, error)
    job = site.platform.jobs.submit(SYSTEM, WINDOW_JOB, {"window": window.id}, key="again", org_id=ORG)
    until(lambda: site.platform.jobs.job(SYSTEM, job).ended)
    note = site.platform.windows.window(SYSTEM, "断点窗口").note
    assert note["source"] == place
    assert "error" not in note
