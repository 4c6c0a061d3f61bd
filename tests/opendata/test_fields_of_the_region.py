"""Fields that the region declared, outside: those of page and API in every form, those of government in none, and hostile values."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import openpyxl
import pytest
from rdflib import XSD, Graph, Literal, URIRef

from beijiang.access import Role
from beijiang.agents.models import arguments
from beijiang.agents.service import Agents
from beijiang.catalog import FieldDraft, FieldKind, FieldPlace, ResourceEdit
from beijiang.client.models import Dataset
from beijiang.kit import ANONYMOUS, Actor, Invalid
from beijiang.kit.actor import ActorKind
from beijiang.standards import SheetFormat

if TYPE_CHECKING:
    from conftest import Portal

FORM, PAGE, API, FACET = FieldPlace.FORM, FieldPlace.PAGE, FieldPlace.API, FieldPlace.FACET
EVERYWHERE = frozenset({FORM, PAGE, API})
NAME = "扩展字段校验集"
INNER, SHOWN, ONPAGE, INAPI = "内部机要词甲", "公开说明词乙", "只在页面词丙", "只在接口词丁"
COMMAND = "=cmd|' /C calc'!A0"
MARKUP = '"><script>alert(1)</script><b>粗</b>'
LONG = "长" * 4000
LINK = "https://a.example.test/x?y=1&z=<2>"
HIDDEN = (INNER, "innerkey", "内部字段名", "innercode", "内部民族名", "2031-01-02")
"""What nobody outside may read: values, key and name of the inner fields."""


def reviewer() -> Actor:
    return Actor("person_r", "r", ActorKind.PERSON, "bureau", frozenset({str(Role.BUREAU_REVIEWER)}))


def steward() -> Actor:
    return Actor("person_s", "s", ActorKind.PERSON, "market", frozenset({str(Role.STEWARD)}))


def draft(
    key: str, name: str, kind: FieldKind = FieldKind.TEXT, *, places: Any = EVERYWHERE, **more: Any
) -> FieldDraft:
    return FieldDraft(key=key, name_zh=name, name_en=f"{key} in English", kind=kind, places=frozenset(places), **more)


DRAFTS = (
    draft("innerkey", "内部字段名", places={FORM}, position=1),
    draft("innercode", "内部民族名", FieldKind.CODE, code_set="ethnic", places={FORM}, position=2),
    draft("innerday", "内部日期名", FieldKind.DATE, places=()),
    draft("shown", "公开字段名", position=3),
    draft("onpage", "页面字段名", places={PAGE}, position=4),
    draft("inapi", "接口字段名", places={API}, position=5),
    draft("people", "服务民族", FieldKind.CODE, code_set="ethnic", places={FORM, PAGE, API, FACET}, position=6),
    draft("amount", "数量", FieldKind.NUMBER, position=7),
    draft("flag", "是否试点", FieldKind.YES_NO, places={PAGE, API, FACET}, position=8),
    draft("home", "主页", FieldKind.LINK, position=9),
    draft("command", "命令<i>", position=10),
    draft("markup", "标记", position=11),
    draft("long", "很长", FieldKind.LONG_TEXT, position=12),
    draft("checked", "核验日", FieldKind.DATE, position=13),
)
VALUES = {
    "innerkey": INNER, "innercode": "01", "innerday": "2031-01-02", "shown": SHOWN, "onpage": ONPAGE, "inapi": INAPI,
    "people": "02", "amount": "1,250.50", "flag": "是", "home": LINK, "command": COMMAND, "markup": MARKUP, "long": LONG,
    "checked": "2026年5月1日",
}  # fmt: skip
RDF = ("ttl", "rdf", "n3", "jsonld")


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """A portal with one set whose entry is in its second version; both hold every field."""
    from opendata.conftest import as_csv, open_portal

    portal = open_portal(tmp_path_factory.mktemp("fields"))
    for one in DRAFTS:
        portal.platform.catalog.declare_field(reviewer(), one)
    with portal.working():
        portal.take_in(NAME, "market", "集.csv", as_csv(["编号", "名称"], [[str(n), f"第{n}"] for n in range(9)]))
    portal.ids["set"] = portal.publish(NAME, extensions=VALUES)
    portal.publish(NAME, extensions={"innerkey": INNER + "二", "innercode": "03", "shown": SHOWN + "二"})
    yield portal
    portal.close()


def addresses(portal: Portal) -> list[str]:
    """Return every address of the catalog outside, with the whole of the set."""
    one = portal.ids["set"]
    ckan, catalog = "/api/3/action", f"/api/v1/catalog/resources/{one}"
    return [
        "/", "/datasets", f"/datasets?q={quote(NAME)}", "/departments/market", "/feed.xml", "/sitemap.xml", "/sitemap-1.xml",
        "/api/v1/datasets", f"/api/v1/datasets?q={quote(NAME)}", f"/api/v1/datasets/{one}",
        f"/datasets/{one}", f"/datasets/{one}/versions", f"/datasets/{one}/fields", f"/datasets/{one}/api",
        f"/datasets/{one}/embed", f"/datasets/{one}/feed.xml", f"/datasets/{one}/quality",
        *(f"/datasets/{one}.{ending}" for ending in RDF), *(f"/catalog.{ending}" for ending in (*RDF, "csv", "xlsx")),
        f"/datasets/{one}/croissant.jsonld", f"/datasets/{one}/datapackage.json", "/data.json", "/departments/market/data.json",
        "/departments/market/catalog.ttl", f"{ckan}/package_show?id={one}", f"{ckan}/package_search?q=*:*&facet.field=[%22tags%22]",
        f"{ckan}/package_list", f"{ckan}/current_package_list_with_resources", f"{ckan}/resource_search?query=name:csv",
        f"{catalog}/versions", f"{catalog}/compare?before=1&after=2", f"{catalog}/promise", "/api/v1/catalog/search",
        f"/api/v1/catalog/search?q={quote(NAME)}", "/api/v1/catalog/fields",
    ]  # fmt: skip


def text_of(portal: Portal, address: str) -> str:
    answer = portal.get(address, headers={"accept-language": "zh-CN"})
    assert answer.status_code == 200, (address, answer.status_code, answer.text[:300])
    if address.endswith(".xlsx"):
        return json.dumps(cells(answer.content), ensure_ascii=False, default=str)
    body = answer.text
    return body + json.dumps(answer.json(), ensure_ascii=False) if "json" in answer.headers["content-type"] else body


def cells(content: bytes) -> list[list[Any]]:
    return [[cell.value for cell in row] for row in openpyxl.load_workbook(io.BytesIO(content)).active.iter_rows()]


def told_by_agents(portal: Portal) -> str:
    agents = Agents(portal.platform, dict)
    one = agents.get_dataset(ANONYMOUS, arguments.DatasetAsked(id=portal.ids["set"]))
    found = agents.search_datasets(ANONYMOUS, arguments.SearchAsked(query=NAME))
    return one.model_dump_json() + found.model_dump_json()


def test_what_stays_inside_is_in_no_answer_of_any_form(door: Portal) -> None:
    for address in addresses(door):
        said = text_of(door, address)
        assert not [word for word in HIDDEN if word in said], address
    assert not [word for word in HIDDEN if word in told_by_agents(door)]
    one = door.ids["set"]
    for words in (INNER, "innerkey", "内部民族名"):
        assert door.json("/api/v1/datasets", q=words)["total"] == 0
        assert door.json("/api/v1/catalog/search", q=words)["total"] == 0
        assert door.json("/api/3/action/package_search", q=words)["result"]["count"] == 0
    for pair in ("innercode=03", f"innerkey={INNER}二", "innerday=2031-01-02"):
        assert door.json("/api/v1/datasets", extension=pair)["total"] == 0, pair
        assert door.json("/api/v1/catalog/search", extension=pair)["total"] == 0, pair
        key, value = pair.split("=")
        assert door.json("/api/3/action/package_search", fq=f'extras_{key}:"{value}"')["result"]["count"] == 0
    for key in ("innerkey", "innercode", "innerday"):
        told, none = door.get(f"/api/v1/catalog/fields/{key}"), door.get("/api/v1/catalog/fields/nothere")
        assert told.status_code == none.status_code == 404
        assert {**told.json()["error"], "request_id": ""} == {**none.json()["error"], "request_id": ""}
    assert door.get(f"/api/v1/catalog/resources/{one}").status_code in {401, 403, 404}
    member = Actor("person_m", "m", ActorKind.PERSON, None, frozenset({str(Role.MEMBER)}))
    assert door.platform.catalog.hidden_fields(member) == frozenset({"innerkey", "innercode", "innerday"})


def test_the_digest_of_a_version_does_not_let_hidden_values_be_guessed(door: Portal) -> None:
    address = f"/api/v1/catalog/resources/{door.ids['set']}/versions"
    assert [one["digest"] for one in door.json(address)["versions"]] == [None, None]
    inside = door.platform.catalog.versions(steward(), door.ids["set"])
    assert all(one.digest and one.intact for one in inside)
    for address in addresses(door):
        assert not [one for one in inside if one.digest in text_of(door, address)], address


def test_the_page_shows_its_fields_and_runs_nothing(door: Portal) -> None:
    at = f"/datasets/{door.ids['set']}"
    for language, name, mongol in (("zh-CN", "公开字段名", "蒙古族"), ("en", "shown in English", "Mongol")):
        page = door.page(at, language)
        for words in (name, SHOWN + "二", ONPAGE, mongol, "1250.50", LONG):
            assert words in page, words
        assert INAPI not in page
        assert "<script>alert" not in page
        assert "<b>粗" not in page
        assert "&lt;script&gt;alert(1)" in page
        assert 'href="https://a.example.test/x?y=1&amp;z=&lt;2&gt;" rel="noopener noreferrer nofollow"' in page
    found = door.get("/datasets", params={"extension": "people=02"}).text
    assert door.ids["set"] in found
    assert "蒙古族" in found


def test_programs_read_them_as_json_and_as_facets(door: Portal) -> None:
    told = door.json(f"/api/v1/datasets/{door.ids['set']}")
    fields = {one["key"]: one for one in told["extension"]["fields"]}
    assert list(fields) == [
        "shown",
        "inapi",
        "people",
        "amount",
        "flag",
        "home",
        "command",
        "markup",
        "long",
        "checked",
    ]
    assert (fields["people"]["value"], fields["people"]["text"]["zh"]) == ("02", "蒙古族")
    assert (fields["amount"]["value"], fields["checked"]["value"]) == ("1250.50", "2026-05-01")
    assert (fields["markup"]["value"], fields["long"]["value"]) == (MARKUP, LONG)
    assert Dataset.of(told).extensions == {key: one["value"] for key, one in fields.items()}
    narrowed = door.json("/api/v1/datasets", extension="people=02")
    assert [hit["id"] for hit in narrowed["hits"]] == [door.ids["set"]]
    assert door.json("/api/v1/datasets", extension="people=01")["total"] == 0
    values = {one["value"] for one in door.json("/api/v1/catalog/search")["facets"]["extension"]}
    assert values == {"people=02", "flag=yes"}
    assert door.json("/api/v1/datasets", q=SHOWN)["total"] == 1
    versions = door.json(f"/api/v1/catalog/resources/{door.ids['set']}/versions")["versions"]
    assert {one["field"]: one["value"] for one in versions[1]["entry"]["extensions"]}["shown"] == SHOWN
    changes = door.json(f"/api/v1/catalog/resources/{door.ids['set']}/compare?before=1&after=2")["changes"]
    assert [one["field"] for one in changes if one["field"].startswith("extension:")] == ["extension:shown"]
    agents = told_by_agents(door)
    assert '"key":"shown"' in agents
    assert INAPI in agents
    assert ONPAGE not in agents


def test_ckan_has_those_of_the_api_as_extras(door: Portal) -> None:
    shown = door.json("/api/3/action/package_show", id=door.ids["set"])["result"]
    extras = {one["key"]: one["value"] for one in shown["extras"]}
    for key, value in {
        "shown": SHOWN + "二",
        "inapi": INAPI,
        "people": "02",
        "flag": "yes",
        "amount": "1250.50",
    }.items():
        assert extras[key] == value
    assert "onpage" not in extras
    for query in ("extras_people:02", "extras_flag:yes"):
        found = door.json("/api/3/action/package_search", fq=query)["result"]
        assert found["count"] == 1
        assert {one["key"]: one["value"] for one in found["results"][0]["extras"]} == extras


@pytest.mark.filterwarnings(
    "ignore:Dataset.default_context is deprecated:DeprecationWarning"  # in rdflib's parser of N3
)
@pytest.mark.parametrize("ending", RDF)
def test_dcat_types_them_and_says_where_each_is_described(door: Portal, ending: str) -> None:
    base = "http://data.example.test"
    node = URIRef(f"{base}/datasets/{door.ids['set']}")
    for address in (f"/datasets/{door.ids['set']}.{ending}", f"/catalog.{ending}"):
        graph = Graph().parse(
            data=door.get(address).content, format={"rdf": "xml", "jsonld": "json-ld"}.get(ending, ending)
        )

        def held(key: str, graph: Graph = graph) -> set[Any]:
            return set(graph.objects(node, URIRef(f"{base}/api/v1/catalog/fields/{key}")))

        assert held("amount") == {Literal("1250.50", datatype=XSD.decimal)}
        assert held("flag") == {Literal("true", datatype=XSD.boolean)}
        assert held("checked") == {Literal("2026-05-01", datatype=XSD.date)}
        assert held("home") == {Literal(LINK, datatype=XSD.anyURI)}
        assert held("people") == {Literal("蒙古族", lang="zh"), Literal("Mongol", lang="en")}
        assert held("shown") == {Literal(SHOWN + "二", lang="zh")}
        assert held("markup") == {Literal(MARKUP, lang="zh")}
        assert held("onpage") == held("innerkey") == held("innercode") == set()
    assert door.json("/api/v1/catalog/fields/people")["name"]["en"] == "people in English"


def test_the_catalog_as_a_table_has_a_column_each_and_runs_no_formula(door: Portal) -> None:
    rows = list(
        csv.reader(
            io.StringIO(door.get("/catalog.csv", headers={"accept-language": "zh-CN"}).content.decode("utf-8-sig"))
        )
    )
    line = dict(zip(rows[0], rows[1], strict=True))
    assert (line["公开字段名"], line["服务民族"], line["页面字段名"]) == (SHOWN + "二", "蒙古族", ONPAGE)
    assert line["命令<i>"].lstrip()[0] not in "=+-@"
    assert COMMAND in line["命令<i>"]
    content = door.get("/catalog.xlsx", headers={"accept-language": "zh-CN"}).content
    head, first = cells(content)
    book = openpyxl.load_workbook(io.BytesIO(content)).active
    assert not [cell for row in book.iter_rows() for cell in row if cell.data_type == "f" or cell.hyperlink]
    assert dict(zip(head, first, strict=True))["很长"] == LONG
    directory = door.platform.catalog.export_directory(steward(), SheetFormat.XLSX)
    sheet = openpyxl.load_workbook(io.BytesIO(directory)).active
    assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f" or cell.hyperlink]
    assert COMMAND in json.dumps(cells(directory), ensure_ascii=False, default=str)
    told = door.platform.catalog.export_directory(steward(), SheetFormat.CSV).decode("utf-8-sig")
    assert not [cell for row in csv.reader(io.StringIO(told)) for cell in row if cell[:1] in {"=", "+", "@"}]


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "JAVASCRIPT:alert(1)", " java\tscript:alert(1)", "data:text/html,<script>", "//a.example", "vbscript:x",
     "https://a.example/\u202e", "https://a.example/\u2028x", "https:\\\\a.example", "http:/a.example", "https://a.example/" + "x" * 500],
)  # fmt: skip
def test_a_link_is_an_address_of_the_web_or_refused(door: Portal, address: str) -> None:
    with pytest.raises(Invalid) as refused:
        door.platform.catalog.edit(steward(), door.ids["set"], ResourceEdit(extensions={"home": address}))
    assert refused.value.reason == "bad_field_value"


def test_a_field_that_goes_inside_is_gone_at_once_everywhere(door: Portal) -> None:
    """The last of the module: it changes the field for good."""
    catalog, zh = door.platform.catalog, {"accept-language": "zh-CN"}
    before = {address: door.get(address, headers=zh) for address in addresses(door)}
    kept = {
        address: told.headers["etag"]
        for address, told in before.items()
        if "etag" in told.headers and SHOWN in told.text
    }
    assert len(kept) > 5
    assert all(
        door.get(address, headers={**zh, "if-none-match": tag}).status_code == 304 for address, tag in kept.items()
    )
    catalog.change_field(reviewer(), "people", draft("people", "服务民族", places={FORM}))
    catalog.change_field(reviewer(), "shown", draft("shown", "公开字段名", places={FORM}))
    for address in addresses(door):
        said = text_of(door, address)
        assert not [word for word in (SHOWN, "公开字段名", "服务民族", "people=02") if word in said], address
        if address in kept:
            assert door.get(address, headers={**zh, "if-none-match": kept[address]}).status_code == 200, address
    assert SHOWN not in told_by_agents(door)
    assert door.json("/api/v1/datasets", q=SHOWN)["total"] == 0
    assert door.json("/api/v1/datasets", extension="people=02")["total"] == 0
    assert door.json("/api/3/action/package_search", fq="extras_people:02")["result"]["count"] == 0
    assert door.get("/api/v1/catalog/fields/shown").status_code == 404
    ours = door.get(f"/datasets/{door.ids['set']}.ttl")
    assert "field:shown" not in ours.text
    assert "field:amount" in ours.text
