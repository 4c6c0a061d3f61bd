"""Lineage of written tables: graphs, impact, paths, as-of, what is hidden; OpenLineage out and in."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from beijiang.build import build
from beijiang.kit import ANONYMOUS, SYSTEM, BeijiangError, Denied, FixedClock, NotFound, TooLarge, Unauthenticated
from beijiang.lineage import Direction, Graph
from beijiang.lineage.errors import BadEvent
from beijiang.settings import Settings
from beijiang.tables import WriteMode

sys.path.insert(0, str(Path(__file__).parent))

from chain import COUNTED, OTHER, OWNER, RESIDENTS, Chain


def edges(graph: Graph) -> set[tuple[str, ...]]:
    return {(e.source, e.source_column, e.target, e.target_column, e.use) for e in graph.edges}


def names(graph: Graph) -> dict[str, int]:
    return {node.id: node.distance for node in graph.nodes}


def test_a_graph_goes_up_and_down_from_a_column(chain: Chain) -> None:
    lineage = chain.platform.lineage
    graph = lineage.graph(chain["reviewer"], "区划人口", "人数")
    assert {
        ("table:居民登记", "证件号", "table:区划人口", "人数", "aggregation"),
        ("table:居民登记", "区划", "table:区划人口", "人数", "group_by"),
        ("table:居民登记", "手机", "table:区划人口", "人数", "filter"),
        ("table:区划人口", "人数", "table:就诊人口", "基数", "identity"),
        ("table:就诊人口", "基数", "table:全区人口", "总数", "aggregation"),
        ("file:" + "a" * 64, "", "table:居民登记", "", "carries"),
    } <= edges(graph)
    assert names(graph)["table:居民登记"] == -1
    assert names(graph)["table:全区人口"] == 2
    assert names(graph)["file:" + "a" * 64] == -2
    near = lineage.graph(chain["reviewer"], "区划人口", "人数", direction=Direction.DOWN, depth=1)
    assert {n for n in names(near) if n.startswith("table:")} == {"table:区划人口", "table:就诊人口"}
    flat = lineage.graph(chain["reviewer"], "区划人口", tables_only=True)
    assert ("table:居民登记", "", "table:区划人口", "", "") in edges(flat)


def test_what_a_person_may_not_know_of_has_no_name(chain: Chain) -> None:
    graph = chain.platform.lineage.graph(chain["steward"], "居民登记")
    hidden = next(node for node in graph.nodes if node.kind == "hidden")
    assert (hidden.id, hidden.name, hidden.columns) == ("hidden:1", "", ())
    assert ("table:区划人口", "人数", "hidden:1", "", "identity") in edges(graph)
    assert ("hidden:1", "", "table:全区人口", "总数", "aggregation") in edges(graph)
    told = json.dumps(graph.to_json(), ensure_ascii=False)
    assert "就诊人口" not in told
    assert "基数" not in told
    with pytest.raises(NotFound):
        chain.platform.lineage.graph(chain["stranger"], "居民登记")
    with pytest.raises(NotFound):
        chain.platform.lineage.graph(chain["stranger"], "没有这张表")
    with pytest.raises(NotFound, match="no column"):
        chain.platform.lineage.graph(chain["steward"], "居民登记", "没有这列")
    with pytest.raises(Denied):
        chain.platform.lineage.graph(chain["chief"], "居民登记")
    with pytest.raises(Unauthenticated):
        chain.platform.lineage.graph(ANONYMOUS, "居民登记")


def test_impact_reaches_all_the_way_and_counts_what_is_hidden(chain: Chain) -> None:
    lineage = chain.platform.lineage
    touched = lineage.impact(chain["reviewer"], "居民登记", "手机")
    tables = [(one.name, one.steps, one.columns) for one in touched if one.kind == "table"]
    assert tables == [("区划人口", 1, ("人数", "区划")), ("就诊人口", 2, ("区划", "基数")), ("全区人口", 3, ("总数",))]
    assert [one.name for one in touched if one.kind == "resource"] == ["居民登记", "区划人口", "就诊人口", "全区人口"]
    mine = lineage.impact(chain["steward"], "居民登记", "姓名")
    assert [one.kind for one in mine if one.kind in {"table", "hidden"}] == []
    mine = lineage.impact(chain["steward"], "居民登记", "手机")
    assert [(one.kind, one.name) for one in mine if one.kind in {"table", "hidden"}] == [
        ("table", "区划人口"),
        ("table", "全区人口"),
        ("hidden", "1"),
    ]


def test_a_path_tells_each_step(chain: Chain) -> None:
    lineage = chain.platform.lineage
    steps = lineage.path(chain["steward"], ("居民登记", "证件号"), ("全区人口", "总数"))
    assert [(s.source, s.source_column, s.use, s.target, s.target_column) for s in steps] == [
        ("居民登记", "证件号", "aggregation", "区划人口", "人数"),
        ("区划人口", "人数", "identity", "hidden-1", ""),
        ("hidden-1", "", "aggregation", "全区人口", "总数"),
    ]
    with pytest.raises(NotFound, match="no path"):
        lineage.path(chain["steward"], ("居民登记", "姓名"), ("全区人口", "总数"))
    with pytest.raises(NotFound):
        lineage.path(chain["steward"], ("居民登记", "证件号"), ("就诊人口", "基数"))


def test_edges_follow_the_versions(chain: Chain) -> None:
    lineage, tables = chain.platform.lineage, chain.platform.tables
    reviewer = chain["reviewer"]
    of = {"居民登记": list(RESIDENTS)}

    def origins(at: Any = None) -> set[str]:
        graph = lineage.graph(reviewer, "名册", "名", direction=Direction.UP, at=at)
        return {e.source_column for e in graph.edges if e.target_column == "名"}

    chain.made("名册", "SELECT 姓名 AS 名 FROM 居民登记", of, {"名": "甲"})
    first = chain.clock.now()
    assert origins() == {"姓名"}
    chain.made("名册", "SELECT 手机 AS 名 FROM 居民登记", of, {"名": "1"}, mode=WriteMode.APPEND)
    assert origins() == {"姓名", "手机"}  # the rows of before are still there
    tables.compact(SYSTEM, "名册")
    chain.platform.db.deliver_waiting()
    assert origins() == {"姓名", "手机"}
    chain.made("名册", "SELECT 区划 AS 名 FROM 居民登记", of, {"名": "1"})
    assert origins() == {"区划"}
    chain.clock.advance(timedelta(minutes=1))
    tables.rollback(SYSTEM, "名册", 2, "试")
    chain.platform.db.deliver_waiting()
    assert origins() == {"姓名", "手机"}
    assert origins(first) == {"姓名"}
    with pytest.raises(NotFound):
        lineage.graph(reviewer, "名册", "名", at=first - timedelta(days=1))
    chain.write("名册", {"名": "x"})
    assert origins() == set()


def test_own_writes_are_events_that_the_own_checks_take(chain: Chain) -> None:
    lineage = chain.platform.lineage
    told, following = lineage.events(chain["reviewer"], table="区划人口")
    assert following is None
    assert [event["eventType"] for event in told] == ["START", "COMPLETE"]
    done = told[1]
    output = done["outputs"][0]
    assert output["namespace"] == f"beijiang://内蒙古自治区/{OWNER}"
    assert [field["name"] for field in output["facets"]["schema"]["fields"]] == ["区划", "人数"]
    assert output["facets"]["columnLineage"]["fields"]["人数"]["inputFields"][1]["transformations"] == [
        {"type": "INDIRECT", "subtype": "FILTER", "description": "", "masking": False}
    ]
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == 1
    assert done["run"]["runId"] == told[0]["run"]["runId"]
    from beijiang.lineage.models.openlineage import faults_of

    everything, _ = lineage.events(chain["reviewer"])
    assert len(everything) >= 8
    assert [faults_of(event) for event in everything] == [[]] * len(everything)
    mine, _ = lineage.events(chain["stranger"])
    assert {event["outputs"][0]["name"] for event in mine} == {"就诊人口"}
    assert "区划人口" not in json.dumps(mine, ensure_ascii=False)
    assert mine[1]["inputs"][0]["name"] == "hidden-1"


def event(**words: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "eventType": "COMPLETE",
        "eventTime": "2026-03-10T12:00:00+08:00",
        "producer": "https://example.org/etl",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": "0190a5b0-0000-7000-8000-000000000001"},
        "job": {"namespace": f"beijiang://内蒙古自治区/{OWNER}", "name": "夜间抽取"},
        "inputs": [{"namespace": "postgres://db.edu:5432", "name": "school.public.pupil"}],
        "outputs": [],
    }
    return {**base, **words}


FACET = {"_producer": "https://example.org", "_schemaURL": "https://example.org/f.json"}


def output(name: str = "居民登记", org: str = OWNER) -> dict[str, Any]:
    made = {"namespace": "postgres://db.edu:5432", "name": "school.public.pupil", "field": "tel"}
    made |= {"transformations": [{"type": "INDIRECT", "subtype": "FILTER"}]}
    lineage = {**FACET, "fields": {"手机": {"inputFields": [made]}}}
    facets = {"columnLineage": lineage, "x_unknown": {**FACET, "anything": ["http://169.254.169.254/"]}}
    return {"namespace": f"beijiang://内蒙古自治区/{org}", "name": name, "facets": facets}


def test_events_of_others_become_foreign_nodes(chain: Chain) -> None:
    lineage = chain.platform.lineage
    body = json.dumps(event(outputs=[output()])).encode()
    assert lineage.receive(chain["steward"], [body]) == 1
    assert lineage.receive(chain["steward"], [body]) == 0  # the same again is done already
    graph = lineage.graph(chain["reviewer"], "居民登记", "手机", direction=Direction.UP)
    foreign = "foreign:postgres://db.edu:5432/school.public.pupil"
    assert (foreign, "tel", "table:居民登记", "手机", "filter") in edges(graph)
    assert names(graph)[foreign] == -1
    away = event(
        run={"runId": "0190a5b0-0000-7000-8000-000000000002"}, outputs=[{"namespace": "hdfs://x", "name": "y"}]
    )
    away["inputs"] = [{"namespace": f"beijiang://内蒙古自治区/{OWNER}", "name": "全区人口"}]
    assert lineage.receive(chain["steward"], [json.dumps(away).encode()]) == 1
    touched = lineage.impact(chain["steward"], "居民登记", "证件号")
    assert ("foreign", "hdfs://x/y") in [(one.kind, one.name) for one in touched]
    with chain.platform.db.read() as connection:
        from beijiang.lineage.store import LineageStore

        kept = LineageStore(connection).events_of_run(OWNER, "0190a5b0-0000-7000-8000-000000000001")
    assert kept == [event(outputs=[output()])]  # unknown facets too, as they came


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"eventTime": "2026-03-10T12:00:00"}, "eventTime"),
        ({"eventType": "DONE"}, "eventType"),
        ({"run": {"runId": "7"}}, "runId"),
        ({"producer": 7}, "producer"),
        ({"inputs": {"a": 1}}, "no array"),
        ({"inputs": [7]}, "inputs"),
        ({"outputs": [{"namespace": "a", "name": "b\n"}]}, "name"),
        ({"outputs": [{"namespace": "a", "name": "b", "facets": {"x": 1}}]}, "_producer"),
        ({"outputs": [{"namespace": "a", "name": "b", "facets": {f"x{n}": FACET for n in range(101)}}]}, "101 facets"),
        (
            {"outputs": [{"namespace": "a", "name": "b", "facets": {"schema": {**FACET, "fields": [{}] * 5001}}}]},
            "5001 columns",
        ),
        ({"outputs": [{"namespace": "a", "name": "b", "facets": {"schema": {**FACET, "fields": 7}}}]}, "no array"),
    ],
)
def test_a_wrong_event_is_refused_with_its_reasons(chain: Chain, change: dict[str, Any], error: str) -> None:
    body = json.dumps(event(**change)).encode()
    with pytest.raises(BadEvent) as told:
        chain.platform.lineage.receive(chain["steward"], [body])
    assert error in told.value.text.en
    assert told.value.detail["reasons"]


def test_hostile_bodies_are_refused(chain: Chain) -> None:
    receive = chain.platform.lineage.receive
    for body in (b"", b"[]", b"7", b"{", b"[" * 100_000, b'{"a":' * 50_000, b"\xff\xfe", b"null"):
        with pytest.raises(BadEvent):
            receive(chain["steward"], [body])
    for words in ("\x00", "\ud800", float("nan")):
        odd = event(outputs=[{"namespace": "a://b", "name": "c", "facets": {"x": {**FACET, "y": words}}}])
        for body in (json.dumps(odd).encode(), odd):
            with pytest.raises(BadEvent):
                receive(chain["steward"], [body])
    with pytest.raises(TooLarge):
        receive(chain["steward"], [b" " * (1024 * 1024 + 1)])


def test_nobody_speaks_for_another_department(chain: Chain) -> None:
    receive = chain.platform.lineage.receive
    for change in (
        {"job": {"namespace": f"beijiang://内蒙古自治区/{OTHER}", "name": "x"}},
        {"job": {"namespace": "postgres://x", "name": "x"}},
        {"outputs": [output("就诊人口", OTHER)]},
    ):
        with pytest.raises(Denied):
            receive(chain["steward"], [json.dumps(event(**change)).encode()])
    for login in ("reviewer", "chief"):
        with pytest.raises(BeijiangError):
            receive(chain[login], [json.dumps(event()).encode()])
    told, _ = chain.platform.lineage.events(chain["steward"])
    assert COUNTED not in json.dumps(told)


def test_it_is_the_same_on_postgresql(postgres_url: str, tmp_path: Path) -> None:
    clock = FixedClock(datetime(2026, 3, 10, tzinfo=UTC))
    platform = build(Settings.for_tests(tmp_path, database_url=postgres_url), clock)
    try:
        platform.first_start()
        chain = Chain(platform, clock)
        assert platform.lineage.receive(chain["steward"], [json.dumps(event(outputs=[output()])).encode()]) == 1
        graph = platform.lineage.graph(chain["steward"], "居民登记")
        assert {node.kind.value for node in graph.nodes} == {"table", "file", "foreign", "entry", "hidden"}
        touched = platform.lineage.impact(chain["reviewer"], "居民登记", "手机")
        assert [one.name for one in touched if one.kind == "table"] == ["区划人口", "就诊人口", "全区人口"]
        assert len(platform.lineage.events(chain["reviewer"])[0]) == 8
    finally:
        platform.close()
