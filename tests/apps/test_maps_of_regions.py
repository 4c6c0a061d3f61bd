"""A map by region: leagues are tiles, banners points at their seats, anything else bars; nobody draws a boundary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from beijiang.apps import BlockKind, Card, CardData, CardState
from beijiang.apps.models import Block, drawing, places
from beijiang.apps.models.tiles import tiles
from beijiang.kit import Language, Text
from beijiang.standards import seat_of

if TYPE_CHECKING:
    from collections.abc import Sequence


def card(rows: Sequence[dict[str, Any]]) -> Card:
    facts = {"query": "q", "title": "图", "region": "旗县", "value": "数"}
    data = CardData(
        columns=("旗县", "数"), rows=list(rows), masked=(), grade="L1", as_of=None, made_at=None, receipt="", reading=0,
        seconds=0.0, scanned=0, shared=1, cached=False, truncated=False,
    )  # fmt: skip
    return Card(number=0, block=Block(kind=BlockKind.MAP, facts=facts, line=1), state=CardState.READY, data=data)


def drawn(rows: Sequence[dict[str, Any]]) -> Any:
    return drawing(card(rows), lambda word: Text(word, word), Language.ZH)


def test_banners_are_points_at_their_seats_by_name_or_code() -> None:
    rows = [{"旗县": "额济纳旗", "数": 5}, {"旗县": "150102", "数": 7}, {"旗县": "没有这个旗", "数": 9}]
    assert places(card(rows))
    points = drawn(rows)["points"]
    assert [(one["name"], one["value"]) for one in points] == [("额济纳旗 · 5", 5.0), ("150102 · 7", 7.0)]
    assert (points[0]["lon"], points[0]["lat"]) == pytest.approx((101.07, 41.97), abs=0.1)
    assert seat_of("150102") == seat_of("新城区") == (points[1]["lon"], points[1]["lat"])
    assert drawn(rows)["boundary"] is None


def test_leagues_stay_tiles_and_other_regions_bars() -> None:
    leagues = [{"旗县": "包头市", "数": 1}, {"旗县": "兴安盟", "数": 2}]
    assert not places(card(leagues))
    assert len(tiles(leagues, "旗县", "数")) == 2
    others = [{"旗县": "甲片区", "数": 1}, {"旗县": "乙片区", "数": 2}, {"旗县": "额济纳旗", "数": 3}]
    assert not places(card(others)), "fewer than half of the rows name a banner"
    assert drawn(others)["type"] == "bar"
    assert not places(card([]))


def test_every_banner_has_one_seat_within_the_region() -> None:
    from beijiang.standards.service.seeds import packaged

    banners = packaged("seats")
    names = {row["code"]: row["name"] for row in packaged("regions")}
    assert len({names[row["code"]] for row in banners}) == len(banners) == 103, "a name means one banner"
    for row in banners:
        longitude, latitude = seat_of(names[row["code"]]) or (0.0, 0.0)
        assert 97 < longitude < 127
        assert 37 < latitude < 54
