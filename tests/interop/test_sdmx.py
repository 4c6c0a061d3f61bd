"""Public statistical indicators in SDMX, as ``sdmx1`` reads them; what is not public changes no byte."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from beijiang.access import Role
from beijiang.assess import Better, FigureDraft, Period, PeriodKind, Stage, ValueDraft, ValueKind
from beijiang.kit import ANONYMOUS, Conflict, Denied, Invalid, NotFound, Unauthenticated
from opendata.conftest import Portal, person

Run = Callable[..., Any]
REPORTER, APPROVER = (
    person("reviewer", "bureau", Role.BUREAU_REVIEWER),
    person("publisher", "bureau", Role.BUREAU_PUBLISHER),
)
STR = "{http://www.sdmx.org/resources/sdmxml/schemas/v2_1/structure}"
POPULATION = {
    ("150000", "2020"): "2404.9",
    ("150000", "2021"): "2400",
    ("150100", "2020"): "344.6",
    ("150100", "2021"): "349.56",
}
OUTPUT = {
    ("150000", "2025-Q1", ""): "5600.5",
    ("150000", "2025-Q1", "第一产业"): "300.25",
    ("150000", "2025-Q2", "第二产业"): "2700",
}


def define(portal: Portal, code: str, name: str, every: PeriodKind, groups: tuple[str, ...] = ()) -> None:
    draft = FigureDraft(
        code=code, name_zh=name, name_en=code.title(), definition=f"{name}，<全口径> & “常住”", unit_zh="万人", unit_en="10,000 people",
        period_kind=every, value_kind=ValueKind.LEVEL, better=Better.NONE, org_id="bureau", dimensions=groups,
    )  # fmt: skip
    portal.platform.figures.define(REPORTER, draft, "开展统计")


def release(
    portal: Portal, code: str, values: dict[tuple[str, ...], str], stage: Stage = Stage.FINAL, reason: str = ""
) -> None:
    drafts = [
        ValueDraft(code=code, region=k[0], period=Period.parse(k[1].replace("-Q", "Q")), dimension=(k[2] if len(k) > 2 else ""), value=v, stage=stage)
        for k, v in values.items()
    ]  # fmt: skip
    made = portal.platform.figures.report(REPORTER, drafts, reason)
    portal.platform.figures.decide(APPROVER, [one.id for one in made], approve=True)


@pytest.fixture(scope="module")
def portal(bare: Portal) -> Portal:
    define(bare, "population", "常住人口", PeriodKind.YEAR)
    release(bare, "population", POPULATION)
    define(bare, "output", "生产总值", PeriodKind.QUARTER, ("第一产业", "第二产业"))
    release(bare, "output", OUTPUT, Stage.PRELIMINARY)
    define(bare, "secret_stock", "储备库存", PeriodKind.YEAR)
    release(bare, "secret_stock", {("150000", "2020"): "987654.25"})
    for code in ("population", "output"):
        bare.platform.public_figures.open(APPROVER, code, "年度公报")
    waiting = ValueDraft(code="population", region="150000", period=Period.parse("2022"), value="1111.1")
    bare.platform.figures.report(REPORTER, [waiting])
    return bare


def rows(portal: Portal, path: str, accept: str = "*/*") -> list[dict[str, str]]:
    answer = portal.get(f"/sdmx/v1/data/{path}", headers={"accept": accept})
    assert answer.status_code == 200, answer.text
    assert not answer.content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_csv_gives_every_released_value_and_no_other(portal: Portal) -> None:
    found = rows(portal, "POPULATION")
    assert {(r["REF_AREA"], r["TIME_PERIOD"]): r["OBS_VALUE"] for r in found} == POPULATION
    assert {
        (r["STRUCTURE"], r["STRUCTURE_ID"], r["ACTION"], r["FREQ"], r["OBS_STATUS"], r["UNIT_MEASURE"]) for r in found
    } == {("dataflow", "BEIJIANG:POPULATION(1.0)", "I", "A", "A", "万人")}
    groups = {"": "_T"} | {name: code for code, name in breakdown(portal).items()}
    quarters = rows(portal, "OUTPUT")
    assert {(r["REF_AREA"], r["TIME_PERIOD"], r["BREAKDOWN"]): r["OBS_VALUE"] for r in quarters} == {
        (area, time, groups[group]): value for (area, time, group), value in OUTPUT.items()
    }
    assert {(r["FREQ"], r["OBS_STATUS"]) for r in quarters} == {("Q", "P")}
    first = rows(portal, "POPULATION", "application/vnd.sdmx.data+csv;version=1.0.0")
    assert list(first[0])[:1] == ["DATAFLOW"]
    assert len(first) == len(POPULATION)


def breakdown(portal: Portal) -> dict[str, str]:
    root = ET.fromstring(portal.get("/sdmx/v1/codelist/BEIJIANG/CL_OUTPUT").content)  # noqa: S314 - our own
    names = {
        one.get("id") or "": next(one.iter("{http://www.sdmx.org/resources/sdmxml/schemas/v2_1/common}Name")).text or ""
        for one in root.iter(f"{STR}Code")
    }
    names.pop("_T")
    return names


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("POPULATION/A.150100", {("150100", "2020"), ("150100", "2021")}),
        ("POPULATION/.150100+150000", set(POPULATION)),
        ("POPULATION/all", set(POPULATION)),
        ("BEIJIANG,POPULATION,1.0/A./all", set(POPULATION)),
        ("POPULATION/A.150100/BEIJIANG?startPeriod=2021", {("150100", "2021")}),
        ("POPULATION?startPeriod=2020-Q2&endPeriod=2021-12-31", {("150000", "2021"), ("150100", "2021")}),
        ("POPULATION?endPeriod=2020", {("150000", "2020"), ("150100", "2020")}),
        ("POPULATION?lastNObservations=1", {("150000", "2021"), ("150100", "2021")}),
        ("POPULATION?firstNObservations=1", {("150000", "2020"), ("150100", "2020")}),
        ("POPULATION?firstNObservations=1&lastNObservations=1&dimensionAtObservation=AllDimensions", set(POPULATION)),
    ],
)
def test_keys_and_spans_pick_values(portal: Portal, path: str, expected: set[tuple[str, str]]) -> None:
    assert {(r["REF_AREA"], r["TIME_PERIOD"]) for r in rows(portal, path)} == expected


def test_what_cannot_be_answered_says_so(portal: Portal) -> None:
    for path, status in (
        ("POPULATION/A.150100.X", 400), ("POPULATION?startPeriod=soon", 400), ("POPULATION?nonsense=1", 400), ("POPULATION?lastNObservations=0", 400),
        ("POPULATION?detail=nodata", 400), ("POPULATION?startPeriod=2020&startPeriod=2021", 400), ("POPULATION?startPeriod=2020-W54", 400),
        ("POPULATION/A.150200", 404), ("POPULATION?startPeriod=2099", 404), ("OTHER,POPULATION,1.0", 404), ("BEIJIANG,POPULATION,9.0", 404),
        ("a,b,c,d", 404), ("population", 404), ("POPULATION/all/OTHER", 404),
    ):  # fmt: skip
        answer = portal.get(f"/sdmx/v1/data/{path}")
        assert answer.status_code == status, path
        assert set(answer.json()["errors"][0]) == {"code", "id", "title", "request_id"}
    assert portal.get("/sdmx/v1/data/POPULATION", headers={"accept": "application/pdf"}).status_code == 406
    assert (
        portal.get(
            "/sdmx/v1/data/POPULATION", headers={"accept": "application/vnd.sdmx.data+json;version=2.0.0"}
        ).status_code
        == 406
    )
    assert portal.get("/sdmx/v1/dataflow", headers={"accept": "image/png"}).status_code == 406
    assert portal.get("/sdmx/v1/nothing").status_code == 404
    assert portal.get("/sdmx/v1/dataflow?references=whatever").status_code == 400


@pytest.mark.threat("TM-07")
def test_an_indicator_that_is_not_public_is_as_one_that_is_not(portal: Portal) -> None:
    def plain(path: str) -> tuple[int, str]:
        answer = portal.get(f"/sdmx/v1/{path}")
        return answer.status_code, re.sub(r'"request_id":"\w+"', "", answer.text)

    for place in (
        "data/{}",
        "data/{}/A.150000",
        "dataflow/BEIJIANG/{}",
        "datastructure/BEIJIANG/DSD_{}",
        "codelist/BEIJIANG/CL_{}",
    ):
        assert plain(place.format("SECRET_STOCK")) == plain(place.format("NEVER_HEARD_OF")), place
    for path in ("dataflow", "datastructure", "codelist", "dataflow/all/all/latest?references=all"):
        assert "SECRET" not in plain(path)[1]
    told = portal.json("/api/v1/public-figures")["figures"]
    assert {one["code"] for one in told} == {"population", "output"}
    assert "1111.1" not in portal.get("/sdmx/v1/data/POPULATION").text, "what waits for release"


@pytest.mark.threat("TM-07")
def test_figures_that_are_not_public_change_no_byte(portal: Portal) -> None:
    paths = [
        "dataflow?references=all",
        "datastructure",
        "codelist",
        "conceptscheme",
        "data/POPULATION",
        "data/OUTPUT",
        "data/NONE",
    ]

    def view() -> list[tuple[int, str, str | None]]:
        answers = [
            portal.get(f"/sdmx/v1/{path}", headers={"accept": accept})
            for path in paths
            for accept in ("*/*", "application/json", "application/xml")
        ]
        return [(a.status_code, re.sub(r'"request_id":"\w+"', "", a.text), a.headers.get("etag")) for a in answers]

    before = view()
    define(portal, "hidden_income", "内部收入", PeriodKind.YEAR, ("密",))
    release(portal, "hidden_income", {("150000", "2020", "密"): "5"})
    portal.platform.figures.report(
        REPORTER,
        [ValueDraft(code="output", region="150000", period=Period.parse("2025Q3"), value="1", dimension="第一产业")],
    )
    assert view() == before


def test_who_opens_and_closes_and_what_is_kept_of_it(portal: Portal) -> None:
    public = portal.platform.public_figures
    define(portal, "parks_count", "公园数", PeriodKind.YEAR)
    release(portal, "parks_count", {("150000", "2020"): "12"})
    for actor in (ANONYMOUS, person("steward", "market", Role.STEWARD), person("analyst", "bureau", Role.ANALYST)):
        with pytest.raises((Denied, NotFound, Unauthenticated)):
            public.open(actor, "parks_count", "想公开")
    with pytest.raises(Invalid):
        public.open(APPROVER, "parks_count", " ")
    with pytest.raises(NotFound):
        public.open(APPROVER, "nothing_such", "公报")
    public.open(APPROVER, "parks_count", "公报")
    with pytest.raises(Conflict):
        public.open(APPROVER, "parks_count", "公报")
    opening = public.opening(REPORTER, "parks_count")
    assert opening is not None
    assert (opening.by, opening.reason) == (APPROVER.id, "公报")
    release(portal, "parks_count", {("150000", "2020"): "13"}, reason="核实")
    assert [r["OBS_VALUE"] for r in rows(portal, "PARKS_COUNT")] == ["13"], "the newest revision holds"
    public.close(APPROVER, "parks_count", "口径调整")
    assert portal.get("/sdmx/v1/data/PARKS_COUNT").status_code == 404
    with pytest.raises(Conflict):
        public.close(APPROVER, "parks_count", "口径调整")
    public.open(APPROVER, "parks_count", "再次公开")
    portal.platform.figures.retire(REPORTER, "parks_count", "不再统计")
    assert portal.get("/sdmx/v1/data/PARKS_COUNT").status_code == 404


def test_unchanged_is_not_sent_again(portal: Portal) -> None:
    for path in ("data/POPULATION", "dataflow"):
        answer = portal.get(f"/sdmx/v1/{path}")
        again = portal.get(f"/sdmx/v1/{path}", headers={"if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


def test_sdmx1_finds_the_flow_its_structure_and_the_values(portal: Portal, client: Run, tmp_path: Path) -> None:
    lines = """
import json, sys, logging
logging.disable(logging.CRITICAL)
import sdmx
sdmx.add_source({"id": "BEIJIANG", "url": sys.argv[1], "name": "beijiang"})
c = sdmx.Client("BEIJIANG")
flows = c.dataflow()
one = c.dataflow("POPULATION", params={"references": "all"})
dsd = one.structure["DSD_POPULATION"]
names = [d.id for d in dsd.dimensions]
codes = len(one.codelist["CL_AREA"])
lists = c.codelist("CL_OBS_STATUS")
got = c.data("POPULATION", key="A.150100", params={"startPeriod": "2020"}, dsd=dsd)
drawn = sdmx.to_pandas(got)
import pathlib, requests
place = pathlib.Path(sys.argv[2]) / "p.csv"
place.write_bytes(requests.get(sys.argv[1] + "/data/POPULATION").content)
told = sorted(float(o.value) for data in sdmx.read_sdmx(place, structure=dsd).data for o in data.obs)
assert told == [344.6, 349.56, 2400.0, 2404.9], told
js = sdmx.to_pandas(c.data("POPULATION", headers={"Accept": "application/vnd.sdmx.data+json;version=1.0.0-wd"}))
print("RESULT" + json.dumps([sorted(flows.dataflow), names, codes, sorted(lists.codelist["CL_OBS_STATUS"].items),
    sorted(map(float, drawn.to_numpy())), {"|".join(map(str, k)): float(v) for k, v in js.items()}], default=str))
"""
    flows, names, codes, statuses, drawn, js = client(lines, f"{portal.platform.opendata.base}/sdmx/v1", str(tmp_path))
    assert {"OUTPUT", "POPULATION"} <= set(flows)
    assert "SECRET_STOCK" not in flows
    assert names == ["FREQ", "REF_AREA", "TIME_PERIOD"]
    assert codes == len(portal.platform.standards.regions())
    assert statuses == ["A", "C", "E", "M", "P"]
    assert drawn == [344.6, 349.56]
    assert js == {f"A|{area}|{year}": float(value) for (area, year), value in POPULATION.items()}


def test_every_reference_of_a_structure_is_in_the_same_document(portal: Portal) -> None:
    root = ET.fromstring(portal.get("/sdmx/v1/dataflow/BEIJIANG/OUTPUT/1.0?references=all").content)  # noqa: S314 - our own
    there = {
        (one.tag.removeprefix(STR), one.get("id"), one.get("version"))
        for one in root.iter()
        if one.get("agencyID") and one.tag != "Ref"
    }
    kinds = {"DataStructure", "Codelist"}
    asked = {
        (ref.get("class"), ref.get("id"), ref.get("version")) for ref in root.iter("Ref") if ref.get("class") in kinds
    }
    assert asked
    assert asked <= there
    concepts = {one.get("id") for one in root.iter(f"{STR}Concept")}
    assert {ref.get("id") for ref in root.iter("Ref") if ref.get("class") == "Concept"} <= concepts


def test_the_terminal_writes_what_the_address_gives(portal: Portal, tmp_path: Path) -> None:
    import typer
    from typer.testing import CliRunner

    from beijiang.assess.commands import add_figures

    group = typer.Typer()
    platform = portal.platform
    add_figures(group, lambda: platform.figures, lambda: platform.public_figures, lambda: platform.access)
    for name, path, accept in (
        ("a.csv", "data/POPULATION/A.150100?startPeriod=2021", "*/*"),
        ("a.xml", "dataflow/BEIJIANG/POPULATION?references=all", "*/*"),
    ):
        words = ["figure", "sdmx", "population", "--out", str(tmp_path / name), "--key", "A.150100", "--start", "2021"]
        done = CliRunner().invoke(group, words)
        assert done.exit_code == 0, done.output
        if name.endswith("csv"):
            assert (tmp_path / name).read_bytes() == portal.get(f"/sdmx/v1/{path}", headers={"accept": accept}).content
        else:
            assert b"DSD_POPULATION" in (tmp_path / name).read_bytes()
