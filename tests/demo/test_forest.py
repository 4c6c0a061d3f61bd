"""Forest-fire protection in the demo: readings come through a stream, rules raise alerts, everybody may open the application."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from beijiang.apps import Card, parse_bundle
from beijiang.build import Platform, build
from beijiang.demo.applications import add_applications, bundled
from beijiang.demo.files.forest import HOURS, SPOTS, STATIONS, danger, readings
from beijiang.demo.files.scene import Scene
from beijiang.demo.forest import ALERTS, READINGS, add_forest
from beijiang.demo.tour import SEED, Tour
from beijiang.kit import ANONYMOUS, SYSTEM, FixedClock
from beijiang.mining import AlertQuery
from beijiang.settings import Settings

NAME = "forest-fire"


def rows_of(card: Card) -> Sequence[Mapping[str, Any]]:
    assert card.data is not None, card.why
    return card.data.rows


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    built = build(Settings.for_tests(tmp_path_factory.mktemp("forest")))
    built.first_start()
    built.start()
    tour = Tour(built)
    tour.people.ensure(["forestry"])
    for _ in range(2):  # again changes nothing
        add_forest(
            built,
            tour.people.actor("steward.forestry"),
            built.settings.home / "demo" / "forest",
            SEED,
            lambda hand_in: tour._take_in(hand_in, version=1),
            tour._publish,
        )
    add_applications(built, tour.people.actor, tour._publish, [NAME])
    yield built
    built.stop()
    built.close()


def test_the_index_is_that_of_the_published_equation() -> None:
    expected = 2 * math.exp(-0.45 + 0.987 * math.log(10) - 0.0345 * 20 + 0.0338 * 35 + 0.0234 * 40)
    assert danger(35, 20, 40, 10) == pytest.approx(expected)
    assert danger(35, 20, 40, 10) > danger(35, 40, 40, 10) > danger(20, 40, 40, 10) > danger(20, 40, 10, 10)
    assert danger(20, 40, 10, 0) >= 0


def test_the_same_seed_sends_the_same_readings(tmp_path: Path) -> None:
    until = datetime(2026, 11, 27, 8, 30, tzinfo=UTC)
    one, other = (list(readings(Scene(tmp_path, SEED, 1.0), until)) for _ in range(2))
    assert one == other
    assert (len(one), len(one[0])) == (HOURS, STATIONS)
    assert one[-1][0].at == until.replace(minute=0)


def test_readings_came_once_and_raised_alerts(region: Platform) -> None:
    assert region.tables.get(SYSTEM, READINGS).rows == HOURS * STATIONS
    alerts = region.stream_rules.alerts(SYSTEM, AlertQuery(limit=1000))
    assert {one.rule for one in alerts} == {"高火险", "甚高火险", "火险骤升"}
    high = region.sql.run(
        SYSTEM,
        'SELECT count(DISTINCT "站点名称") AS n FROM "森林火险气象" WHERE "火险指数" >= 12',
    ).rows.to_pylist()[0]["n"]
    assert len({one.sensor for one in alerts if one.rule == "高火险"}) == high
    rows = region.sql.run(SYSTEM, f'SELECT count(*) AS n FROM "{ALERTS}"').rows.to_pylist()
    assert rows == [{"n": len(alerts)}]


def test_everybody_may_open_every_page(region: Platform) -> None:
    bundle = parse_bundle(bundled(NAME))
    assert set(bundle.pages) == {"situation", "points", "hotspots", "duty"}
    for table in bundle.manifest.resources:
        seen = region.gate.seen(ANONYMOUS, table)
        assert seen is not None, table
        masked = [column.name for column in seen.columns if column.masked]
        assert masked == (["值班电话"] if table == "防火值班表" else []), table
    steward = region.access.actor_for_person("steward.forestry")
    assert region.apps.app(steward, NAME)[0].current is not None
    view = region.apps.page(ANONYMOUS, NAME, "situation", {})
    assert view


def test_every_card_has_its_numbers(region: Platform) -> None:
    steward = region.access.actor_for_person("steward.forestry")
    files = dict(bundled(NAME))
    found = region.apps.check(steward, files)
    assert found.good, [fault.line_in(1) for fault in found.faults]
    for page in ("situation", "points", "hotspots", "duty"):
        for card in region.apps.try_page(steward, files, page, {}).cards.values():
            assert not card.block.query or (card.data is not None and card.data.rows), (page, card.block.query)
    first = region.apps.try_page(steward, files, "situation", {}).cards[0].first
    assert first["观测点数"] == STATIONS
    lasting = region.apps.try_page(steward, files, "situation", {}).cards[3].first
    assert lasting["持续中"] == len(region.stream_rules.alerts(SYSTEM, AlertQuery(lasting=True, limit=1000)))


def test_days_go_on_and_the_rota_and_the_ten_days_go_with_them(
    region: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    steward, files = region.access.actor_for_person("steward.forestry"), dict(bundled(NAME))
    began = region.exchange.today

    def shown(days: int, page: str) -> Mapping[int, Card]:
        monkeypatch.setattr(region.apps, "clock", FixedClock(region.clock.now() + timedelta(days=days)))
        return region.apps.try_page(steward, files, page, {}).cards

    for days in (0, 1, 3):
        duty = shown(days, "duty")
        listed = {row["值班日期"] for row in rows_of(duty[3])}
        assert listed == {began + timedelta(days=days), began + timedelta(days=days + 1)}, days
        assert duty[1].first["旗县数"] == STATIONS
        assert duty[2].first["班次数"] == 2 * STATIONS
    assert shown(60, "duty")[1].first["旗县数"] == 0, "no rota was written that far"
    now, later = shown(0, "hotspots")[1].first, shown(30, "hotspots")
    assert 0 < now["热点数"] <= SPOTS
    assert later[1].first["热点数"] == later[1].first["火情数"] == 0
    assert later[1].first["待反馈"] == now["待反馈"] > 0, "who waits for an answer waits on"
    assert not rows_of(later[4])
    assert not rows_of(later[5])


def test_the_day_is_that_of_the_region(region: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    steward, files = region.access.actor_for_person("steward.forestry"), dict(bundled(NAME))
    files["queries/station_names.sql"] = (
        'SELECT CAST(CAST($today AS DATE) AS VARCHAR) AS "观测点" FROM "防火值班表" LIMIT 1'
    )
    monkeypatch.setattr(region.apps, "clock", FixedClock(datetime(2026, 11, 27, 16, 30, tzinfo=UTC)))
    view = region.apps.try_page(steward, files, "points", {})
    assert view.choices["station"] == ["2026-11-28"], "half past midnight in the region"


def test_english_pages_hold_no_chinese() -> None:
    bundle = parse_bundle(bundled(NAME))
    words = [words for page in bundle.pages.values() for block in page.blocks for words in block.words]
    assert words
    assert [one for one in words if not bundle.word(one).en.isascii()] == []
