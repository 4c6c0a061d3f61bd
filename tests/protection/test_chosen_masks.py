"""Stewards choose how columns are masked: what readers get then, when outsiders get it, and what keys do."""

from __future__ import annotations

import logging
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from beijiang.kit import ANONYMOUS, Actor, Denied, Invalid, NotFound
from beijiang.standards.checks import check_citizen_id
from beijiang.tables import Aggregate, Exit, Filter, FilterOp, GroupBy, Sort

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import House

FIRMS, PEOPLE = "企业登记信息", "人口库"
ID, NAME, BORN = "公民身份号码", "姓名", "出生日期"


def column(house: House, actor: Actor, table: str, name: str, **words: Any) -> list[Any]:
    governed = house.gate.open(actor, table, "核对", Exit.DOWNLOAD)
    return governed.page(limit=1000, **words).rows.column(name).to_pylist()


def choose(house: House, table: str, name: str, function: str, **parameters: str) -> Any:
    return house.protection.choose_mask(house.steward, table, name, function, parameters, reason="交换方要求")


def test_a_chosen_mask_takes_the_place_of_the_default(house: House) -> None:
    house.write_people(30)
    assert (
        column(house, house.steward, PEOPLE, ID)[0]
        == house.people(1)[0][ID][:6] + "********" + house.people(1)[0][ID][-4:]
    )
    made = choose(house, PEOPLE, ID, "keep", prefix="2", suffix="0")
    assert (made.words, made.weaker) == ("keep(prefix=2, suffix=0)", False)
    assert column(house, house.steward, PEOPLE, ID) == ["15****"] * 30
    governed = house.gate.open(house.steward, PEOPLE, "", Exit.PAGE)
    shown = next(c for c in governed.columns if c.name == ID)
    assert (shown.masked, shown.mask) == (True, "keep(prefix=2, suffix=0)")
    assert governed.aggregate(Aggregate(group=(GroupBy(ID),))).column(ID).to_pylist() == ["15****"]
    raw = house.people(1)[0][ID]
    assert column(house, house.steward, PEOPLE, ID, filters=[Filter(ID, FilterOp.EQ, raw)]) == []
    house.protection.drop_mask(house.steward, PEOPLE, ID, "不再需要")
    assert column(house, house.steward, PEOPLE, ID)[0].endswith(raw[-4:])
    ever = house.protection.masks(house.steward, PEOPLE)
    assert [(one.words, one.ended_at is not None) for one in ever] == [("keep(prefix=2, suffix=0)", True)]
    said = [r.detail for r in house.records(action="protection.mask")]
    assert {d["mask"] for d in said} == {"keep(prefix=2, suffix=0)", ""}


@pytest.mark.threat("TM-13")
def test_who_may_choose_and_what_fits(house: House) -> None:
    house.write_people(5)
    for actor in (house.analyst, house.stranger, house.member, house.audit):
        with pytest.raises((Denied, NotFound)):
            house.protection.choose_mask(actor, PEOPLE, ID, "suppress", {}, reason="因为")
    for name, function, parameters, reason, code in (
        (ID, "suppress", {}, " ", "reason_needed"),
        (ID, "hash", {}, "因为", "unknown_mask"),
        (ID, "keep", {"prefix": "99", "suffix": "1"}, "因为", "mask_parameters"),
        (ID, "keep", {"prefix": "1"}, "因为", "mask_parameters"),
        (ID, "keep", {"prefix": "1", "suffix": "1", "sql": "1"}, "因为", "mask_parameters"),
        (ID, "bucket", {"width": "10"}, "因为", "mask_type"),
        ("没有", "suppress", {}, "因为", "unknown_column"),
        (BORN, "shift_dates", {"days": "30", "by": "没有"}, "因为", "unknown_column"),
        (BORN, "shift_dates", {"days": "30"}, "因为", "mask_parameters"),
    ):
        with pytest.raises(Invalid) as told:
            house.protection.choose_mask(house.steward, PEOPLE, name, function, parameters, reason=reason)
        assert told.value.reason == code, (name, function, parameters)
    assert house.protection.masks(house.steward, PEOPLE) == ()


def test_what_hides_more_holds_at_once_and_what_shows_more_with_the_next_publication(house: House) -> None:
    house.write_firms(20)
    house.publish(FIRMS)
    days = column(house, ANONYMOUS, FIRMS, "成立日期")
    assert days[0] == date(2000, 1, 1)
    later(house)
    choose(house, FIRMS, "成立日期", "date_trunc", unit="year")  # it is shown raw: any mask hides more
    assert column(house, ANONYMOUS, FIRMS, "成立日期")[1] == date(2001, 1, 1)
    assert column(house, house.steward, FIRMS, "成立日期")[1] == date(2001, 2, 2), "the own department sees it raw"
    choose(house, FIRMS, "法定代表人", "keep", prefix="2", suffix="0")
    assert column(house, ANONYMOUS, FIRMS, "法定代表人")[0] == "王**"
    later(house)
    house.publish(FIRMS, summary="再次发布")
    assert column(house, ANONYMOUS, FIRMS, "法定代表人")[0] == house.firms(1)[0]["法定代表人"][:2] + "****"
    later(house)
    house.protection.drop_mask(house.steward, FIRMS, "成立日期", "不再需要")
    assert column(house, ANONYMOUS, FIRMS, "成立日期")[1] == date(2001, 1, 1), "what was published stays"
    choose(house, FIRMS, "法定代表人", "suppress")
    assert set(column(house, ANONYMOUS, FIRMS, "法定代表人")) == {None}, "no value at all comes at once"
    later(house)
    house.publish(FIRMS, summary="第三次发布")
    assert column(house, ANONYMOUS, FIRMS, "成立日期")[1] == date(2001, 2, 2)


def later(house: House) -> None:
    house.clock.advance(timedelta(hours=1))


def test_pseudonyms_join_under_one_key_only_and_follow_every_version(house: House, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG)
    house.write_people(30)
    house.write_people(30, "救助")
    for table, key in ((PEOPLE, "协议一"), ("救助", "协议一")):
        choose(house, table, ID, "pseudonym", key=key)
    ours = column(house, house.reviewer, PEOPLE, ID)
    assert len(set(ours)) == len({p[ID] for p in house.people(30)})
    assert all(len(one) == 32 for one in ours)
    assert ours == column(house, house.reviewer, "救助", ID)
    assert column(house, house.reviewer, PEOPLE, ID, sort=Sort(ID)) == sorted(ours)
    assert column(house, house.reviewer, PEOPLE, NAME, filters=[Filter(ID, FilterOp.EQ, ours[3])]) != []
    joined = house.sql.run(
        house.analyst_own, f'SELECT count(*) AS n FROM "{PEOPLE}" AS a JOIN "救助" AS b ON a."{ID}" = b."{ID}"'
    )
    assert joined.rows.column("n")[0].as_py() >= 30
    later(house)
    choose(house, "救助", ID, "pseudonym")
    assert not set(ours) & set(column(house, house.reviewer, "救助", ID)), "a key of its own"
    house.write(PEOPLE, house.people(5, 30), house.PEOPLE)
    grown = column(house, house.reviewer, PEOPLE, ID)
    assert (grown[:30], len(grown)) == (ours, 35)
    kept = house.settings.root_key_file.read_text()
    with house.db.read() as connection:
        stored = str(list(connection.exec_driver_sql("SELECT * FROM mask_key")))
    said = "".join(str(r.detail) for r in house.records()) + caplog.text
    assert stored.count("bj1-aes256gcm") == 2
    for row in house.people(30):
        assert row[ID] not in said
    assert kept


def test_encrypted_citizen_numbers_are_citizen_numbers(house: House) -> None:
    house.write_people(200)
    choose(house, PEOPLE, ID, "encrypt")
    found = column(house, house.reviewer, PEOPLE, ID)
    raw = [p[ID] for p in house.people(200)]
    assert all(check_citizen_id(number).passes for number in found)
    assert [number[:6] for number in found] == [number[:6] for number in raw]
    assert len(set(found)) == len(set(raw))
    assert sum(a[6:14] == b[6:14] for a, b in zip(found, raw, strict=True)) < 3
    house.write(
        PEOPLE,
        [{**house.people(1)[0], ID: dirt, "_bj_row": i} for i, dirt in enumerate(("不详", "", None))],
        house.PEOPLE,
    )
    assert column(house, house.reviewer, PEOPLE, ID)[200:] == ["****", "****", None]


def test_dates_are_shifted_and_numbers_blurred_by_row(house: House) -> None:
    house.write_people(60)
    choose(house, PEOPLE, BORN, "shift_dates", days="30", by=ID)
    choose(house, PEOPLE, "次数", "noise", scale="5", by=ID)
    shifted = column(house, house.reviewer, PEOPLE, BORN)
    by = [(a - p[BORN]).days for a, p in zip(shifted, house.people(60), strict=True)]
    assert all(1 <= abs(days) <= 30 for days in by)
    assert len(set(by)) > 10
    assert shifted == column(house, house.reviewer, PEOPLE, BORN)
    assert column(house, house.steward, PEOPLE, "次数") == [p["次数"] for p in house.people(60)], "L1, and its own"


def test_a_result_that_is_not_there_shows_nothing(house: House) -> None:
    house.write_people(5)
    choose(house, PEOPLE, ID, "pseudonym")
    folder = house.lake.folder(house.lake.snapshot(PEOPLE).table_id) / "_treated"
    made: list[Path] = list(folder.rglob("*.parquet"))
    assert len(made) == 1
    assert ID in pq.read_schema(made[0]).names
    made[0].unlink()
    assert column(house, house.reviewer, PEOPLE, ID) == [None] * 5
    house.protection.prepare_masks(PEOPLE)
    assert None not in column(house, house.reviewer, PEOPLE, ID)
    house.protection.drop_mask(house.steward, PEOPLE, ID, "不再需要")
    assert not folder.exists(), "copies of no use are gone"
