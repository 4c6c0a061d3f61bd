"""Applications and statistical indicators as lineage sees them: nodes with edges of columns, impact, events."""

from __future__ import annotations

import pytest
from asking import FIRMS, OTHER, OWNER, Office
from hosting import bundle, released, renamed

from beijiang.apps import AudienceKind
from beijiang.assess import Better, FigureDraft, Period, PeriodKind, ValueKind
from beijiang.ingest import AffectedKind
from beijiang.kit import SYSTEM, Denied
from beijiang.lineage import Direction, Graph
from handed import published, shown

BY_LEAGUE = (
    "SELECT sum(注册资本) AS value, CASE 盟市 WHEN '赤峰市' THEN '150400' ELSE '150100' END AS region "
    f"FROM {FIRMS} GROUP BY ALL"
)


def downward(office: Office) -> Graph:
    office.platform.db.deliver_waiting()
    return office.platform.lineage.graph(SYSTEM, FIRMS, direction=Direction.DOWN)


def test_an_application_is_a_node_while_readers_have_it(office: Office) -> None:
    apps, lineage = office.platform.apps, office.platform.lineage
    files = renamed(bundle(), "followed")
    number = released(office, files, AudienceKind.DEPARTMENTS, OTHER)
    office.platform.db.deliver_waiting()
    own = next(one for one in downward(office).nodes if one.link == "followed")
    assert (own.kind.value, own.name, own.org_id) == ("application", "企业一览", OWNER)
    whole = downward(office)
    only = {e for e in whole.edges if e.target == own.id}
    edges = shown(Graph(start=whole.start, column="", at=whole.at, nodes=whole.nodes, edges=tuple(only)))
    assert edges - published("application", {"企业名录": FIRMS}) == set()  # precision
    assert published("application", {"企业名录": FIRMS}) - edges == set()  # recall

    touched = lineage.impact(SYSTEM, FIRMS, "法定代表人")
    assert [one.how.en for one in touched if one.kind is AffectedKind.APPLICATION] == ["its queries read 法定代表人"]
    events, _ = lineage.events(SYSTEM)
    told = [e for e in events if e["eventType"] == "COMPLETE" and e["outputs"][0]["name"] == "apps/apps/followed"]
    made = told[-1]["outputs"][0]["facets"]["columnLineage"]["fields"]["firms.法定代表人"]["inputFields"]
    assert {(one["name"], one["field"]) for one in made} == {(FIRMS, c) for c in ("法定代表人", "盟市", "注册资本")}

    apps.switch(office["publisher"], "followed", off=True, reason="试停")
    assert "followed" not in {node.link for node in downward(office).nodes}
    assert AffectedKind.APPLICATION not in {one.kind for one in lineage.impact(SYSTEM, FIRMS, "法定代表人")}
    apps.switch(office["publisher"], "followed", off=False, reason="再开")
    assert "followed" in {node.link for node in downward(office).nodes}
    assert number == 1


def test_an_indicator_is_made_from_what_its_query_read(office: Office) -> None:
    figures, lineage = office.platform.figures, office.platform.lineage
    draft = FigureDraft(
        code="capital", name_zh="注册资本合计", name_en="Capital", definition="", unit_zh="万元", unit_en="10k CNY",
        formula=BY_LEAGUE, period_kind=PeriodKind.YEAR, value_kind=ValueKind.LEVEL, better=Better.NONE, org_id=OWNER,
    )  # fmt: skip
    figures.define(office["steward"], draft, "新增")
    assert "capital" not in {node.link for node in downward(office).nodes}, "nothing was read yet"
    figures.compute(office["steward"], "capital", Period.parse("2025"))
    graph = downward(office)
    own = next(one for one in graph.nodes if one.link == "capital")
    assert (own.kind.value, own.name, {*own.columns}) == ("indicator", "注册资本合计", {"region", "value"})
    edges = {one for one in shown(graph) if one[0] == "indicator"}
    assert edges - published("indicator", {"企业名录": FIRMS}) == set()  # precision
    assert published("indicator", {"企业名录": FIRMS}) - edges == set()  # recall
    touched = [(one.kind.value, one.name, one.columns) for one in lineage.impact(SYSTEM, FIRMS, "注册资本")]
    assert ("indicator", "注册资本合计", ("value",)) in touched
    told = [e["outputs"][0] for e in lineage.events(SYSTEM)[0] if e["outputs"][0]["name"] == "assess/figures/capital"]
    assert told[-1]["outputFacets"]["outputStatistics"]["rowCount"] > 0
    figures.retire(office["steward"], "capital", "不再统计")
    assert "capital" not in {node.link for node in downward(office).nodes}


def test_only_the_platform_tells_of_its_own_things(office: Office) -> None:
    lineage = office.platform.lineage
    event = {
        "eventType": "COMPLETE",
        "eventTime": "2026-03-10T04:00:00+08:00",
        "producer": "https://example.org/",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": "6f1d3c2e-7f0b-4b1a-9a53-0b6f2c6c1d10"},
        "job": {"namespace": lineage.namespace(OWNER), "name": "x"},
        "inputs": [{"namespace": lineage.namespace(OWNER), "name": FIRMS}],
        "outputs": [{"namespace": "apps://apps", "name": "followed"}],
    }
    with pytest.raises(Denied) as caught:
        lineage.receive(office["steward"], [event])
    assert caught.value.reason == "foreign_namespace"
