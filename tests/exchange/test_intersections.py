"""Private intersection: what two sides have in common, and nothing else of either; numbers with noise."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from exchange_bureau import AT, CITIES, ID, Bureau, People, citizen_id
from typer.testing import CliRunner

from beijiang import terminal
from beijiang.crypto import POINT, OwnSet
from beijiang.evidence import EvidenceQuery
from beijiang.exchange import Grant, Intersection, IntersectionState, Narrowing, Way
from beijiang.exchange.commands import add_intersections, commands
from beijiang.kit import SYSTEM, Conflict, Denied, Invalid, Language, NotFound, Refused, Throttled
from beijiang.tables import Filter, FilterOp

CITY, NAME = "盟市", "企业名称"
ROWS, MINE, BOTH = 300, 200, 120
STATES = IntersectionState


@pytest.fixture(autouse=True)
def nothing_left(bureau: Bureau) -> Iterator[None]:
    yield
    service, me = bureau.platform.intersections, bureau["consumer"]
    for one in service.mine(me):
        if one.state not in {STATES.DONE, STATES.FAILED}:
            assert service.drop(me, one.id).state is STATES.FAILED


def granted(bureau: Bureau, table: str, *columns: str, rows: int = ROWS, **words: Any) -> Grant:
    resource = bureau.publish(table, rows).id
    ways = frozenset({Way.OVERLAP, Way.COMMON})
    wanted: dict[str, Any] = {"ways": ways, "calls_per_day": 1000, "rows_per_day": 1000, **words}
    return bureau.granted(*(columns or (ID,)), resource=resource, impact="PIA-2026-01", **wanted)


def own(count: int = MINE, both: int = BOTH) -> OwnSet:
    return OwnSet([[citizen_id(i)] for i in range(ROWS - both, ROWS - both + count)])


def begun(bureau: Bureau, grant: Grant, values: OwnSet, *, common: bool = False, by: str = "consumer") -> Intersection:
    made: Intersection = bureau.platform.intersections.begin(bureau[by], grant.id, len(values.values), common=common)
    bureau.platform.jobs.run_inline(made.job)
    shown: Intersection = bureau.platform.intersections.show(bureau[by], made.id)
    return shown


def compared(bureau: Bureau, made: Intersection, values: OwnSet, by: str = "consumer") -> Intersection:
    service = bureau.platform.intersections
    theirs = service.theirs(bureau[by], made.id)
    mine = values.points()
    content = mine if str(made.exit) == "common" else mine + values.doubled(theirs)
    bureau.platform.jobs.run_inline(service.give(bureau[by], made.id, content).job)
    return service.show(bureau[by], made.id)


def test_about_how_many_both_have_is_told_and_few_are_not(bureau: Bureau) -> None:
    grant = granted(bureau, "求交一")
    told = []
    for _ in range(12):
        values = own()
        done = compared(bureau, begun(bureau, grant, values), values)
        assert done.state is STATES.DONE
        assert done.told is not None
        told.append(done.told)
    assert abs(sum(told) / len(told) - BOTH) < 12
    assert len(set(told)) > 3, "there is noise"
    strangers = OwnSet([[citizen_id(i)] for i in range(ROWS, ROWS + 60)])
    done = compared(bureau, begun(bureau, grant, strangers), strangers)
    assert done.least == 5
    assert done.told is None or done.told < 100, "the scale is 5: one run in a thousand million comes near"
    with pytest.raises(Conflict):
        bureau.platform.intersections.answer(bureau["consumer"], done.id)


def test_which_are_there_is_told_of_the_own_values_alone(bureau: Bureau) -> None:
    grant = granted(bureau, "求交二", ID, NAME)
    firm = "内蒙古第{}商贸有限公司"
    values = OwnSet([[citizen_id(i), firm.format(i)] for i in range(290, 320)] + [[citizen_id(3), firm.format(4)]])
    done = compared(bureau, begun(bureau, grant, values, common=True), values)
    service = bureau.platform.intersections
    theirs, doubled = service.theirs(bureau["consumer"], done.id), service.answer(bureau["consumer"], done.id)
    found = values.common(theirs, doubled)
    assert sorted(found) == sorted([citizen_id(i), firm.format(i)] for i in range(290, 300))
    other = OwnSet(values.values)
    assert other.common(theirs, doubled) == [], "who lacks the number learns nothing from the same bytes"
    (used,) = bureau.exchange.grant(bureau["consumer"], grant.id).usage
    assert (used.calls, used.rows) == (1, 31)
    bureau.platform.evidence.flush()
    record = bureau.platform.receipts.receipt(SYSTEM, done.receipt)["records"]
    sent = [json.loads(part["body"])["detail"] for part in record[1:]]
    said = {(name, one[name]) for one in sent for name in ("request", "response") if name in one}
    came = {("response", theirs), ("response", doubled), ("request", values.points())}
    assert {(name, hashlib.sha256(content).hexdigest()) for name, content in came} <= said, (
        "what came and went is proved"
    )


def test_how_a_value_is_written_does_not_matter(bureau: Bureau) -> None:
    grant = granted(bureau, "求交三")
    plain = next(citizen_id(i) for i in range(ROWS) if citizen_id(i).endswith("X"))
    wide = "".join(chr(ord(c) + 0xFEE0) for c in plain.lower())
    values = OwnSet([[f" {wide} "], [plain], [citizen_id(ROWS + 1)]])
    assert len(values.values) == 2, "spoken alike, it is one"
    done = compared(bureau, begun(bureau, grant, values, common=True), values)
    service = bureau.platform.intersections
    theirs, doubled = service.theirs(bureau["consumer"], done.id), service.answer(bureau["consumer"], done.id)
    assert [spoken for (spoken,) in values.common(theirs, doubled)] in ([plain], [f" {wide} "])


def test_points_tell_neither_how_many_nor_which_nor_of_another_time(bureau: Bureau, tmp_path: Path) -> None:
    grant = granted(bureau, "求交四")
    first, second = begun(bureau, grant, own()), begun(bureau, grant, own())
    service = bureau.platform.intersections
    one, two = service.theirs(bureau["consumer"], first.id), service.theirs(bureau["consumer"], second.id)
    assert len(one) == len(two) == 1024 * POINT, "filled up"
    cut = [{some[at : at + POINT] for at in range(0, len(some), POINT)} for some in (one, two)]
    assert not cut[0] & cut[1]
    assert sorted(cut[0]) == [one[at : at + POINT] for at in range(0, len(one), POINT)]
    records = bureau.platform.evidence_reader.search(SYSTEM, EvidenceQuery(target="求交四", limit=50)).records
    assert "overlap" in {record.exit for record in records}
    assert citizen_id(1) not in json.dumps([record.detail for record in records], ensure_ascii=False)
    held = [
        path.read_bytes()
        for path in (Path(bureau.platform.settings.home) / "intersections").rglob("*")
        if path.is_file()
    ]
    assert held
    assert not any(citizen_id(1).encode() in content for content in held)


def test_only_the_rows_of_the_grant_are_there(bureau: Bureau) -> None:
    only = (Filter(CITY, FilterOp.EQ, CITIES[0]),)
    grant = granted(bureau, "求交五", ID, CITY, filters=only)
    values = OwnSet([[citizen_id(i), CITIES[i % 3]] for i in range(30)])
    done = compared(bureau, begun(bureau, grant, values, common=True), values)
    service = bureau.platform.intersections
    theirs, doubled = service.theirs(bureau["consumer"], done.id), service.answer(bureau["consumer"], done.id)
    assert {city for _, city in values.common(theirs, doubled)} == {CITIES[0]}
    assert len(values.common(theirs, doubled)) == 10


def test_what_does_not_fit_is_refused_and_said(bureau: Bureau) -> None:
    grant = granted(bureau, "求交六")
    service, me = bureau.platform.intersections, bureau["consumer"]
    for few in (0, 4, 1_000_001):
        with pytest.raises(Invalid):
            service.begin(me, grant.id, few)
    for login, of in (("banner", grant.id), ("consumer", "grant-x")):
        with pytest.raises(NotFound) as hidden:
            service.begin(bureau[login], of, 10)
        assert hidden.value.reason == "grant_not_found"
    values = own()
    made = begun(bureau, grant, values)
    with pytest.raises(NotFound):
        service.show(bureau["colleague"], made.id)
    doubled = values.doubled(service.theirs(me, made.id))
    points = values.points()
    off_the_curve = points[:-POINT] + b"\xff" * POINT + doubled
    twice = points[:POINT] + points[:-POINT] + doubled
    for reason, content in (
        ("intersection_points", points),
        ("not_points", points + doubled[:-1]),
        ("not_points", twice),
    ):
        with pytest.raises(Invalid) as told:
            service.give(me, made.id, content)
        assert told.value.reason == reason
    given = service.give(me, made.id, off_the_curve)
    bureau.platform.jobs.run_inline(given.job)
    failed = service.show(me, made.id)
    assert failed.state is STATES.FAILED
    assert failed.error is not None
    assert failed.error["code"] == "not_a_point"
    with pytest.raises(Conflict):
        service.give(me, made.id, points + doubled)


def test_points_are_taken_once(bureau: Bureau) -> None:
    grant = granted(bureau, "求交七")
    values = own()
    done = compared(bureau, begun(bureau, grant, values), values)
    again = OwnSet(values.values)
    content = again.points() + again.doubled(bureau.platform.intersections.theirs(bureau["consumer"], done.id))
    with pytest.raises(Conflict) as once:
        bureau.platform.intersections.give(bureau["consumer"], done.id, content)
    assert once.value.reason == "intersection_state"


def test_a_grant_that_ended_or_changed_ends_it_at_the_next_step(bureau: Bureau) -> None:
    service, me = bureau.platform.intersections, bureau["consumer"]
    grant = granted(bureau, "求交八", ID, NAME)
    values = OwnSet([[citizen_id(i), "甲"] for i in range(20)])
    narrowed, ended = begun(bureau, grant, values), begun(bureau, grant, values)
    assert service.theirs(me, narrowed.id)
    bureau.exchange.narrow(bureau["lead"], grant.id, Narrowing(without=frozenset({NAME})), "不再需要名称")
    with pytest.raises(Denied) as changed:
        service.theirs(me, narrowed.id)
    assert changed.value.reason == "access_ended"
    bureau.exchange.revoke(bureau["lead"], grant.id, "结束")
    with pytest.raises(NotFound):
        service.theirs(me, ended.id)


def test_a_day_has_so_many_calls_and_rows_and_a_table_so_many_answers(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, me = bureau.platform.intersections, bureau["consumer"]
    grant = granted(bureau, "求交九", calls_per_day=3, rows_per_day=250)
    values = own()
    assert compared(bureau, begun(bureau, grant, values, common=True), values).state is STATES.DONE
    second = begun(bureau, grant, values, common=True)
    with pytest.raises(Throttled):
        service.give(me, second.id, values.points())
    assert service.show(me, second.id).state is STATES.FAILED
    monkeypatch.setattr("beijiang.exchange.service.book.COUNTS_MOST", 1)
    assert compared(bureau, begun(bureau, grant, values), values).state is STATES.DONE
    with pytest.raises(Refused) as many:
        service.begin(me, grant.id, MINE)
    assert many.value.reason == "count_many"
    monkeypatch.undo()
    used_up = begun(bureau, grant, values)
    assert used_up.state is STATES.FAILED
    assert used_up.error is not None
    assert used_up.error["code"] == "grant_calls"
    draft = bureau.draft(ID, resource=grant.resource_id, ways=frozenset({Way.COMMON}), calls_per_day=5)
    assert any("每日行数" in one.text.zh for one in bureau.exchange.plan(me, draft).problems)


def test_a_new_root_key_takes_nothing_from_what_is_under_way(bureau: Bureau) -> None:
    grant = granted(bureau, "求交十二", rows=30)
    values = own(10, 5)
    made = begun(bureau, grant, values, common=True)
    assert bureau.platform.sources.rotate(SYSTEM) >= 1
    assert compared(bureau, made, values).state is STATES.DONE


def test_what_is_over_leaves_no_set_and_no_number_behind(bureau: Bureau) -> None:
    service = bureau.platform.intersections
    grant = granted(bureau, "求交十", rows=30)
    waiting = [begun(bureau, grant, own(10, 5)) for _ in range(5)]
    with pytest.raises(Refused) as many:
        service.begin(bureau["consumer"], grant.id, 10)
    assert many.value.reason == "intersections_many"
    folders = [Path(bureau.platform.settings.home) / "intersections" / one.id for one in waiting]
    assert all(folder.is_dir() for folder in folders)
    now = bureau.clock.now()
    bureau.clock.at = now + timedelta(hours=25)
    with pytest.raises(Conflict):
        service.theirs(bureau["consumer"], waiting[0].id)
    service.watch()
    assert not any(folder.exists() for folder in folders)
    bureau.clock.at = now
    with pytest.raises(Conflict):
        service.theirs(bureau["consumer"], waiting[0].id)


def test_programs_and_operators_intersect_too(bureau: Bureau, tmp_path: Path) -> None:
    grant = granted(bureau, "求交十一")
    program, values = People(bureau)["consumer"], own(40, 30)
    began = program.post(f"{AT}/grants/{grant.id}/intersections", json={"values": 40, "common": True})
    assert began.status_code == 202, began.text
    at = began.json()["url"]
    early = program.get(f"{at}/theirs")
    assert (early.status_code, early.json()["error"]["code"]) == (409, "intersection_state")
    _work(bureau)
    theirs = program.get(f"{at}/theirs").content
    body = {"content": values.points(), "headers": {"Content-Type": "application/octet-stream"}}
    given = program.post(f"{AT}/intersection-points", params={"of": began.json()["id"]}, **body)
    assert given.status_code == 202, given.text
    _work(bureau)
    assert program.get(at).json()["state"] == "done"
    assert len(values.common(theirs, program.get(f"{at}/answer").content)) == 30
    assert began.json()["id"] in {one["id"] for one in program.get(f"{AT}/intersections").json()["intersections"]}
    assert program.delete(at).json()["state"] == "done"
    assert program.get(f"{at}/answer").status_code == 409, "what was removed is had no more"

    listed, out = tmp_path / "名单.csv", tmp_path / "共有.csv"
    listed.write_bytes(f"{ID}\n{citizen_id(5)}\n{citizen_id(900)}\n".encode("gb18030"))
    terminal.set_style(as_json=False, language=Language.ZH)
    group = commands(lambda: bureau.exchange, lambda: bureau.platform.access)
    platform = bureau.platform
    add_intersections(group, lambda: platform.intersections, lambda: platform.jobs, lambda: platform.access)
    words = ["intersect", grant.id, str(listed), "--common", str(out), "--as", "consumer"]
    done = CliRunner().invoke(group, words)
    assert done.exit_code == 0, (done.output, done.exception)
    assert list(csv.reader(io.StringIO(out.read_text(encoding="utf-8-sig")))) == [[ID], [citizen_id(5)]]
    done = CliRunner().invoke(group, ["intersections", "--as", "consumer"])
    assert "求交十一" in done.output


def _work(bureau: Bureau) -> None:
    for job in bureau.platform.jobs.jobs(SYSTEM):
        if not job.ended:
            bureau.platform.jobs.run_inline(job.id)
