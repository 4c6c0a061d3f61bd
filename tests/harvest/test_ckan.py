"""A CKAN catalog is taken over whole, kept up to date, and every record that fails says why."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from beijiang.catalog import Resource, ResourceEdit, State
from beijiang.ingest import HarvestState, MapKind, MapRule, OutcomeKind, RecordState
from beijiang.ingest.service.proving import _plain
from beijiang.kit import SYSTEM, Conflict, Invalid, NotFound, Refused

from .conftest import Bureau, Reply, ok, package


def entry_of(bureau: Bureau, source: str, guid: str) -> Resource:
    found = bureau.platform.harvests.record(SYSTEM, source, guid)
    assert found.resource_id is not None
    return bureau.platform.catalog.get(SYSTEM, found.resource_id)


def reasons(bureau: Bureau, source: str) -> dict[str, str]:
    run = bureau.platform.harvests.runs(SYSTEM, source, 1)[0]
    failed = bureau.platform.harvests.outcomes(SYSTEM, run.id, kind=OutcomeKind.FAILED)
    return {o.guid: str((o.reason or {})["code"]) for o in failed}


def test_records_become_drafts_stay_up_to_date_and_are_marked_when_they_vanish(bureau: Bureau) -> None:
    harvests, catalog = bureau.platform.harvests, bureau.platform.catalog
    bureau.portal.packages = [package(n) for n in range(1, 36)]
    source = bureau.source()
    plan = harvests.plan(SYSTEM, source)
    assert (plan.counts["added"], plan.complete, plan.total) == (35, True, 35)
    assert harvests.records(SYSTEM, source) == [], "a plan changes nothing"
    assert bureau.counts(source) == {"seen": 35, "added": 35}

    entry = entry_of(bureau, source, "pkg-00012").entry
    assert (entry.name, entry.licence, entry.update_cycle, entry.region_code) == (
        "学校名录 12",
        "CC-BY-4.0",
        "6",
        "150100",
    )
    assert entry.summary == "第 12 批学校， 含 地址。", "marks of HTML go"
    assert entry.inner_office == "自治区教育厅"
    assert entry.formats == ("csv",)
    assert [link.format for link in entry.links] == ["CSV", ""], "what is no web address is no link"
    assert entry_of(bureau, source, "pkg-00012").state is State.DRAFT
    assert json.loads(harvests.original(SYSTEM, source, "pkg-00012"))["name"] == "school-12"

    assert bureau.counts(source) == {"seen": 35, "unchanged": 35}
    revision = entry_of(bureau, source, "pkg-00003").revision
    resource = entry_of(bureau, source, "pkg-00004").id
    catalog.edit(SYSTEM, resource, ResourceEdit(summary="专员写的摘要", categories=("201003",)))
    bureau.portal.packages[3]["title"] = "学校名录（修订）"
    bureau.portal.packages[4]["num_views"] = 7
    gone = bureau.portal.packages[10:13]
    del bureau.portal.packages[10:13]
    assert bureau.counts(source) == {"seen": 32, "changed": 1, "unchanged": 31, "vanished": 3}
    assert entry_of(bureau, source, "pkg-00003").revision == revision, "what did not change is not touched"
    changed = entry_of(bureau, source, "pkg-00004").entry
    assert (changed.name, changed.summary) == ("学校名录（修订）", "专员写的摘要"), "a steward's words stay"
    assert [r.guid for r in harvests.records(SYSTEM, source, state=RecordState.VANISHED)] == [p["id"] for p in gone]

    bureau.portal.packages += gone
    assert bureau.counts(source) == {"seen": 35, "changed": 3, "unchanged": 32}
    assert harvests.counts(SYSTEM, source) == {"active": 35}


def test_a_decided_word_holds_for_every_record(bureau: Bureau) -> None:
    harvests = bureau.platform.harvests
    bureau.portal.packages = [
        package(n, groups=[{"title": "Zzz"}], license_id="houserules", license_title="") for n in (1, 2)
    ]
    source = bureau.source()
    assert bureau.counts(source) == {"seen": 2, "added": 2}
    unmapped = {(r.kind, r.value) for r in harvests.rules(SYSTEM, source) if not r.target}
    assert {(MapKind.THEME, "Zzz"), (MapKind.LICENCE, "houserules")} <= unmapped
    for kind, value, target in ((MapKind.THEME, "Zzz", "211001"), (MapKind.LICENCE, "houserules", "CC0-1.0")):
        harvests.decide(SYSTEM, source, MapRule(kind=kind, value=value, target=target, decided_by=""))
    assert bureau.counts(source) == {"seen": 2, "changed": 2}
    entry = entry_of(bureau, source, "pkg-00002").entry
    assert (entry.categories, entry.licence) == (("211001",), "CC0-1.0")
    for kind, target in ((MapKind.THEME, "999"), (MapKind.LICENCE, "x"), (MapKind.CYCLE, "x"), (MapKind.PROVIDER, "x")):
        with pytest.raises((Invalid, NotFound)):
            harvests.decide(SYSTEM, source, MapRule(kind=kind, value="x", target=target, decided_by=""))


def test_each_bad_record_fails_alone(bureau: Bureau) -> None:
    bureau.portal.packages = [package(n) for n in range(1, 13)]
    bureau.portal.packages[1] = {"name": "", "title": "无标识"}
    bureau.portal.packages[2]["title"] = ""
    bureau.portal.packages[2]["name"] = ""
    bureau.portal.packages[3]["notes"] = "字" * 10_000_000
    bureau.portal.packages[4]["extras"] = 7
    bureau.portal.packages[5]["resources"] = "not a list"
    bureau.portal.packages[6]["title"] = bureau.portal.packages[0]["title"]
    bureau.portal.packages[8] = bureau.portal.packages[7]
    plain = bureau.portal.answer

    def broken(path: str, query: dict[str, str]) -> Reply | None:
        bureau.portal.fault = None
        status, body, more = plain(path, query, {})
        bureau.portal.fault = broken
        return status, body.replace("学校名录 10".encode(), b"\xff\xfe\xd1\xa7"), more

    bureau.portal.fault = broken
    source = bureau.source()
    counts = bureau.counts(source)
    assert counts == {"seen": 12, "added": 7, "failed": 4, "repeated": 1}
    assert reasons(bureau, source) == {
        "#2": "record_no_guid",
        "pkg-00003": "record_no_title",
        "pkg-00004": "record_too_large",
        "pkg-00010": "record_no_utf8",
    }
    names = {entry_of(bureau, source, guid).entry.name for guid in ("pkg-00001", "pkg-00007")}
    assert len(names) == 2, "two of one name are told apart"
    assert all(name.startswith("学校名录 1") for name in names)
    assert "record_too_large" in "".join(
        bureau.platform.harvests.report(SYSTEM, bureau.platform.harvests.runs(SYSTEM, source)[0].id)
    )
    bureau.portal.fault = None
    bureau.portal.packages[3]["notes"] = "短"
    again = bureau.counts(source)
    assert (again["added"], again["failed"]) == (2, 2), "what was mended at the source comes with the next harvest"


def test_a_report_holds_no_formula(bureau: Bureau) -> None:
    bureau.portal.packages = [package(61, title="＝1+1"), package(62, title="@a")]
    source = bureau.source()
    assert bureau.counts(source)["added"] == 2
    harvests = bureau.platform.harvests
    text = "".join(harvests.report(SYSTEM, harvests.runs(SYSTEM, source)[0].id))
    assert "'＝1+1" in text
    assert "'@a" in text
    assert [_plain(v) for v in ("＝1", "\n=1", "-5", "+5.5", "-5+1")] == ["'＝1", "'\n=1", "-5", "+5.5", "'-5+1"]


def test_old_servers_and_pages_that_are_too_large(bureau: Bureau) -> None:
    bureau.portal.packages = [package(n) for n in range(1, 24)]
    bureau.portal.old = True
    assert bureau.counts(bureau.source()) == {"seen": 23, "added": 23}
    bureau.portal.old = False
    for p in bureau.portal.packages[4:8]:
        p["notes"] = "x" * 300_000
    bureau.portal.packages[7]["notes"] = "x" * 1_500_000
    source = bureau.source(page_mib=1, record_kib=4096)
    counts = bureau.counts(source)
    assert counts["seen"] == 23
    assert reasons(bureau, source) == {"#7": "record_too_large"}


def _cut(bureau: Bureau) -> Callable[[str, dict[str, str]], Reply | None]:
    failures = iter([(0, b'{"success": tr', {}), (500, b"{}", {}), (429, b"{}", {"Retry-After": "0"}), (503, b"", {})])

    def fault(path: str, query: dict[str, str]) -> Reply | None:
        return next(failures, None) if query.get("start") == "10" else None

    return fault


def test_a_page_that_breaks_off_is_asked_for_again(bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beijiang.ingest.connectors.rest_calls._PAUSES", (0.01,))
    bureau.portal.packages = [package(n) for n in range(1, 25)]
    bureau.portal.fault = _cut(bureau)
    assert bureau.counts(bureau.source(retries=5)) == {"seen": 24, "added": 24}


def test_a_harvest_that_failed_goes_on_where_it_stopped(bureau: Bureau) -> None:
    bureau.portal.packages = [package(n) for n in range(1, 35)]
    bureau.portal.fault = lambda _path, query: (503, b"", {}) if query.get("start") == "20" else None
    source = bureau.source()
    failed = bureau.harvest(source)
    assert failed.state is HarvestState.FAILED
    assert failed.error is not None
    assert failed.error["code"] == "service_busy"
    assert failed.counts["added"] == 20, "what came is kept"
    bureau.portal.fault, bureau.portal.asked = None, []
    assert bureau.counts(source, go_on=True) == {"seen": 34, "added": 34}
    assert [q["start"] for _, q, _ in bureau.portal.asked] == ["20", "30", "34"], "earlier pages are not asked for"


def _same(_path: str, query: dict[str, str]) -> Reply:
    rows = int(query.get("rows", 10))
    return ok({"count": 10**6, "results": [package(n) for n in range(1, rows + 1)]})


def _circle(_path: str, query: dict[str, str]) -> Reply:
    begin, rows = int(query.get("start", 0)) % 30, int(query.get("rows", 10))
    return ok({"count": 10**6, "results": [package(n) for n in range(begin, begin + rows)]})


def _invented(_path: str, query: dict[str, str]) -> Reply:
    begin, rows = int(query.get("start", 0)), int(query.get("rows", 10))
    return ok({"count": begin + 1000, "results": [package(n) for n in range(begin, begin + rows)]})


@pytest.mark.parametrize(("fault", "why"), [(_same, "same_records"), (_circle, "same_records"), (_invented, "cap")])
def test_a_server_that_never_ends_is_stopped(bureau: Bureau, fault: Callable[..., Reply], why: str) -> None:
    bureau.portal.fault = fault
    run = bureau.harvest(bureau.source(most_records=100))
    assert run.state is HarvestState.FAILED
    assert run.error is not None
    assert (run.error["code"], run.error["detail"]["why"]) == ("harvest_endless", why)  # type: ignore[index,call-overload]
    assert run.counts["seen"] < 130
    assert not run.counts["vanished"]


def test_counts_that_lie_lose_nothing_and_mark_nothing(bureau: Bureau) -> None:
    bureau.portal.packages = [package(n) for n in range(1, 31)]
    bureau.portal.count = 5
    source = bureau.source()
    assert bureau.counts(source) == {"seen": 30, "added": 30}, "a count that is too low is not believed"
    bureau.portal.count = 50
    del bureau.portal.packages[:5]
    run = bureau.harvest(source)
    assert run.state is HarvestState.INCOMPLETE
    assert run.warnings[0]["code"] == "harvest_short"
    assert not run.counts["vanished"]

    bureau.portal.count = None
    bureau.portal.packages = bureau.portal.packages[:1]
    run = bureau.harvest(source)
    assert run.warnings[0]["code"] == "harvest_many_vanished", "nearly all gone at once is rather a mistake over there"
    assert not run.counts["vanished"]
    assert bureau.counts(source, accept_vanished=True) == {"seen": 1, "unchanged": 1, "vanished": 29}

    bureau.portal.fault = lambda _path, query: ok(
        {"count": 4, "results": [package(n) for n in range(40, 44)][: int(query.get("rows", 10))]}
    )
    assert bureau.counts(bureau.source())["added"] == 4, (
        "a server of one page that ignores the offset is no endless one"
    )


def test_what_is_no_catalog_says_what_to_do(bureau: Bureau) -> None:
    harvests = bureau.platform.harvests
    bureau.portal.fault = lambda *_: (200, b"<html>sign in</html>", {"Content-Type": "text/html"})
    with pytest.raises(Invalid) as stop:
        harvests.plan(SYSTEM, bureau.source())
    assert stop.value.reason == "harvest_no_catalog"
    bureau.portal.fault = lambda *_: (302, b"", {"Location": "http://169.254.169.254/api/3/action/package_search"})
    with pytest.raises(Refused) as refused:
        harvests.plan(SYSTEM, bureau.source())
    assert refused.value.reason == "target_not_allowed"
    bureau.portal.fault = lambda *_: (200, b'{"success": true, "result": ' + b"[" * 100_000, {})
    with pytest.raises(Invalid):
        harvests.plan(SYSTEM, bureau.source())
    files = bureau.source("data_json")
    bureau.platform.sources.remove(SYSTEM, files)
    with pytest.raises(NotFound):
        harvests.run(SYSTEM, files)


def test_a_catalog_is_taken_into_a_table_like_any_source(bureau: Bureau) -> None:
    from beijiang.ingest import SyncDraft

    bureau.portal.packages = [package(n) for n in range(1, 14)]
    source, sources = bureau.source(), bureau.platform.sources
    assert [f.rows for f in sources.feeds(SYSTEM, source)] == [13]
    sources.take(SYSTEM, SyncDraft(source_id=source, feed="datasets", table="对方目录"))
    run = bureau.platform.ingest.wait(SYSTEM, sources.run(SYSTEM, "对方目录"))
    assert run.error is None, run.error
    assert bureau.platform.tables.get(SYSTEM, "对方目录").rows == 13
    with pytest.raises(NotFound):
        sources.feed(SYSTEM, source, "nothing")


def test_only_catalogs_are_harvested_and_only_people_vouch(bureau: Bureau) -> None:
    harvests = bureau.platform.harvests
    options = {"base_url": bureau.portal.url, "endpoints": [{"name": "x", "path": "x"}]}
    from beijiang.ingest import SourceDraft

    bureau.platform.sources.add(SYSTEM, SourceDraft(name="非目录", kind="rest", org_id="education", options=options))
    with pytest.raises(Conflict):
        harvests.run(SYSTEM, "非目录")
    assert "非目录" not in [s.name for s in harvests.catalogs(SYSTEM)]
    source = bureau.source()
    with pytest.raises(Refused):
        harvests.trust(SYSTEM, source, trusted=True)
    with pytest.raises(Invalid):
        harvests.withdraw_after(SYSTEM, source, 0)
