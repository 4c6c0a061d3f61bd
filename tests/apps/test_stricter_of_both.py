"""Attacks on an application's own grant: a viewer with a grant of another shape gets, row by row and item by item, what both open."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "exchange"))
from exchange_bureau import CITIES, Bureau
from test_own_grants import CAPITAL, CITY, NAME, bureau, files, granted, region, released, seen

from beijiang.exchange import Item, Way
from beijiang.kit import SYSTEM, Denied
from beijiang.protection import Handling
from beijiang.tables import Filter, FilterOp

__all__ = ["bureau", "region"]


def only(*cities: str) -> tuple[Filter, ...]:
    return (Filter(CITY, FilterOp.IN_, list(cities)),)


def of_the_viewer(bureau: Bureau, *columns: str, **words: Any) -> Any:
    """Grant the banner's bureau something of its own, for applications too."""
    return granted(bureau, *columns, by="banner", **words)


def told(rows: list[dict[str, Any]] | None) -> set[str]:
    assert rows is not None
    return {row[CITY] for row in rows}


def test_of_two_row_filters_the_rows_of_both_are_seen(bureau: Bureau) -> None:
    app = released(
        bureau, files("both-rows", granted(bureau, NAME, CITY, filters=only("包头市", "赤峰市")), NAME, CITY)
    )
    assert seen(bureau, app, "banner") is None, "without a grant he may see names alone"
    of_the_viewer(bureau, NAME, CITY, filters=only("赤峰市", "呼和浩特市"))
    assert told(seen(bureau, app, "banner")) == {"赤峰市"}
    assert told(seen(bureau, app, "consumer")) == {"包头市", "赤峰市"}, "what was kept for one is not told to the other"
    of_the_viewer(bureau, NAME, CITY, filters=only("呼和浩特市"), purpose="statistics")
    assert told(seen(bureau, app, "banner")) <= {"赤峰市"}, (
        "a second grant adds no row that the application's keeps back"
    )


def test_filters_that_exclude_each_other_leave_nothing(bureau: Bureau) -> None:
    app = released(bureau, files("both-none", granted(bureau, NAME, CITY, filters=only("包头市")), NAME, CITY))
    of_the_viewer(bureau, NAME, CITY, filters=only("赤峰市"))
    assert seen(bureau, app, "banner") == []


def test_of_two_lists_of_items_the_items_of_both_are_seen(bureau: Bureau) -> None:
    grant = granted(bureau, NAME, CITY)
    city, name = (
        released(bureau, files(f"both-{n}", grant, *c)) for n, c in (("city", (NAME, CITY)), ("name", (NAME,)))
    )
    of_the_viewer(bureau, NAME, CAPITAL)
    assert seen(bureau, city, "banner") is None, "the application's grant lends nobody an item"
    assert len(seen(bureau, name, "banner") or []) == 30
    wide = granted(bureau, NAME, CITY, CAPITAL, purpose="statistics")
    capital = released(bureau, files("both-capital", wide, NAME, CAPITAL))
    assert len(seen(bureau, capital, "banner") or []) == 30
    with pytest.raises(Denied):
        bureau.platform.apps.data(bureau["banner"], city, "firms", {})


def test_the_viewers_own_mask_holds_where_the_applications_grant_has_none(bureau: Bureau) -> None:
    app = released(bureau, files("both-mask", granted(bureau, NAME, CITY), NAME, CITY))
    of_the_viewer(bureau, NAME, items=(Item(NAME, Handling.AS_IS), Item(CITY, Handling.MASKED)))
    rows = seen(bureau, app, "banner")
    assert rows is not None
    assert not told(rows) & set(CITIES)
    assert told(seen(bureau, app, "consumer")) == set(CITIES)


def test_a_grant_of_the_viewer_that_is_not_for_applications_opens_nothing_here(bureau: Bureau) -> None:
    app = released(bureau, files("both-way", granted(bureau, NAME, CITY), NAME, CITY))
    of_the_viewer(bureau, NAME, CITY, ways=frozenset({Way.PAGE}))
    assert seen(bureau, app, "banner") is None


def test_either_grant_that_ends_closes_the_next_request(bureau: Bureau) -> None:
    grant = granted(bureau, NAME, CITY)
    app = released(bureau, files("both-ended", grant, NAME, CITY))
    mine = of_the_viewer(bureau, NAME, CITY)
    assert told(seen(bureau, app, "banner")) == set(CITIES)
    bureau.exchange.revoke(SYSTEM, mine.id, "不再需要")
    assert seen(bureau, app, "banner") is None
    of_the_viewer(bureau, NAME, CITY, purpose="statistics")
    assert told(seen(bureau, app, "banner")) == set(CITIES)
    bureau.exchange.revoke(SYSTEM, grant.id, "不再需要")
    assert seen(bureau, app, "banner") is None
    bureau.clock.at += timedelta(days=1)
    assert seen(bureau, app, "banner") is None


def test_a_condition_on_what_is_closed_is_no_way_round(bureau: Bureau) -> None:
    """A query that only filters by an item tells of it as much as one that shows it."""
    grant = granted(bureau, NAME, CITY)
    made = files("both-probe", grant, NAME)
    made["queries/firms.sql"] = made["queries/firms.sql"].replace("ORDER BY", f"WHERE \"{CITY}\" = '包头市' ORDER BY")
    app = released(bureau, made)
    assert len(seen(bureau, app, "consumer") or []) == 10
    assert seen(bureau, app, "banner") is None
    of_the_viewer(bureau, NAME, items=(Item(NAME, Handling.AS_IS), Item(CITY, Handling.MASKED)))
    assert seen(bureau, app, "banner") in (None, []), "and by a masked item it finds the masks"
