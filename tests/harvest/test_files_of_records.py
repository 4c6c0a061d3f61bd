"""Catalogs in files: data.json old and new, DCAT in three syntaxes; and nothing in them reaches for the network."""

from __future__ import annotations

import json
from typing import Any

import pytest

from beijiang.ingest import HarvestState
from beijiang.kit import SYSTEM, Invalid, Refused

from .conftest import Bureau

TYPES = {"turtle": "text/turtle", "xml": "application/rdf+xml", "json-ld": "application/ld+json"}


def dataset(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "identifier": f"ds-{number:05}",
        "title": f"草原监测 {number}",
        "description": "各旗县草原监测结果。",
        "publisher": {"@type": "org:Organization", "name": "林业和草原局"},
        "contactPoint": {"fn": "张工", "hasEmail": "mailto:zhang@example.cn"},
        "keyword": ["草原", "监测"],
        "accrualPeriodicity": "R/P1M",
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "temporal": "2020-01-01/2024-12-31",
        "spatial": "呼伦贝尔市",
        "distribution": [{"title": "表", "downloadURL": "https://data.example.cn/a.csv", "mediaType": "text/csv"}],
        **changes,
    }


def served(bureau: Bureau, path: str, body: Any, kind: str = "application/json") -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    bureau.portal.files[path] = (200, raw, {"Content-Type": kind})


def entry_of(bureau: Bureau, source: str, guid: str) -> Any:
    found = bureau.platform.harvests.record(SYSTEM, source, guid)
    assert found.resource_id is not None
    return bureau.platform.catalog.get(SYSTEM, found.resource_id).entry


def test_data_json_new_and_old(bureau: Bureau) -> None:
    many = [dataset(n) for n in range(1, 251)]
    many[7] = {"title": "无标识"}
    served(bureau, "/data.json", {"conformsTo": "https://project-open-data.cio.gov/v1.1/schema", "dataset": many})
    source = bureau.source("data_json", url=f"{bureau.portal.url}/data.json")
    assert bureau.platform.harvests.plan(SYSTEM, source).counts["added"] == 249
    assert bureau.counts(source) == {"seen": 250, "added": 249, "failed": 1}
    entry = entry_of(bureau, source, "ds-00002")
    assert (entry.update_cycle, entry.licence, entry.region_code) == ("4", "CC-BY-4.0", "150700")
    assert (entry.time_span, entry.contact) == ("2020-01-01/2024-12-31", "张工 zhang@example.cn")
    assert (entry.formats, entry.inner_office) == (("csv",), "林业和草原局")
    original = bureau.platform.harvests.original(SYSTEM, source, "ds-00240")
    assert json.loads(original)["title"] == "草原监测 240"
    assert bureau.counts(source) == {"seen": 250, "unchanged": 249, "failed": 1}

    old = [
        {k: v for k, v in dataset(n, publisher="林草局", keyword="草原,监测").items() if k != "distribution"}
        for n in (901, 902)
    ]
    old[0] |= {"accessURL": "https://data.example.cn/old.xls", "format": "xls"}
    served(bureau, "/old.json", b"\xef\xbb\xbf" + json.dumps(old).encode())
    source = bureau.source("data_json", url=f"{bureau.portal.url}/old.json")
    assert bureau.counts(source) == {"seen": 2, "added": 2}
    entry = entry_of(bureau, source, "ds-00901")
    assert (entry.keywords, entry.formats, entry.inner_office) == (("草原", "监测"), ("xls",), "林草局")


def test_a_data_json_that_is_cut_off_keeps_what_came_and_marks_nothing(bureau: Bureau) -> None:
    body = json.dumps({"dataset": [dataset(n) for n in range(2001, 2251)]}, ensure_ascii=False).encode()
    served(bureau, "/cut.json", body)
    source = bureau.source("data_json", url=f"{bureau.portal.url}/cut.json")
    assert bureau.counts(source)["added"] == 250
    served(bureau, "/cut.json", body[: len(body) // 2])
    run = bureau.harvest(source)
    assert run.state is HarvestState.FAILED
    assert not run.counts["vanished"]
    broken = body.replace("草原监测 2003".encode(), b"\xb2\xdd\xd4\xad 2003")
    served(bureau, "/cut.json", broken)
    assert bureau.counts(source) == {"seen": 250, "unchanged": 249, "failed": 1}
    for status in (403, 404, 503):
        bureau.portal.files["/cut.json"] = (status, b"{}", {})
        assert bureau.harvest(source).state is HarvestState.FAILED


def _turtle(numbers: range, *, more: str = "") -> str:
    head = """@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> . @prefix hydra: <http://www.w3.org/ns/hydra/core#> .
@prefix vcard: <http://www.w3.org/2006/vcard/ns#> .
"""
    sets = "".join(
        f"""<https://data.example.cn/ds/{n}> a dcat:Dataset ; dct:title "Herds {n}"@en, "牲畜存栏 {n}"@zh ; dct:description "年末存栏"@zh ;
 dct:publisher <https://data.example.cn/org/1> ; dcat:keyword "牲畜"@zh ; dct:spatial [ foaf:name "锡林郭勒盟" ] ;
 dct:accrualPeriodicity <http://publications.europa.eu/resource/authority/frequency/ANNUAL> ;
 dct:temporal [ dcat:startDate "2020-01-01" ; dcat:endDate "2024-12-31" ] ;
 dcat:contactPoint [ vcard:fn "李工" ; vcard:hasEmail <mailto:li@example.cn> ] ;
 dcat:distribution [ dct:title "表" ; dcat:downloadURL <https://data.example.cn/{n}.csv> ; dct:format "CSV" ;
 dct:license <https://creativecommons.org/publicdomain/zero/1.0/> ] .
"""
        for n in numbers
    )
    return head + '<https://data.example.cn/org/1> foaf:name "农牧厅" .\n' + sets + more


@pytest.mark.parametrize("syntax", sorted(TYPES))
def test_dcat_in_three_syntaxes_says_the_same(bureau: Bureau, syntax: str) -> None:
    from rdflib import Graph

    body = Graph().parse(data=_turtle(range(1, 4)), format="turtle").serialize(format=syntax).encode()
    served(bureau, f"/catalog-{syntax}", body, TYPES[syntax])
    source = bureau.source("dcat", url=f"{bureau.portal.url}/catalog-{syntax}")
    assert bureau.counts(source) == {"seen": 3, "added": 3}
    entry = entry_of(bureau, source, "https://data.example.cn/ds/2")
    assert entry.name.startswith("牲畜存栏 2")
    assert (entry.licence, entry.update_cycle, entry.region_code) == ("CC0-1.0", "6", "152500")
    assert (entry.inner_office, entry.contact) == ("农牧厅", "李工 li@example.cn")
    assert [link.url for link in entry.links] == ["https://data.example.cn/2.csv"]
    assert "牲畜存栏 2" in bureau.platform.harvests.original(SYSTEM, source, "https://data.example.cn/ds/2").decode()
    assert bureau.counts(source) == {"seen": 3, "unchanged": 3}, "blank nodes have other names each time"


def _page(bureau: Bureau, number: int, mark: str) -> None:
    more = f'<urn:p> hydra:totalItems 9 ; hydra:next "{mark}" .' if mark else "<urn:p> hydra:totalItems 9 ."
    served(bureau, f"/p{number}.ttl", _turtle(range(number * 3, number * 3 + 3), more=more).encode(), "text/turtle")


def test_hydra_pages_end_circle_and_lead_astray(bureau: Bureau) -> None:
    for number, mark in ((100, "/p101.ttl"), (101, "/p102.ttl"), (102, "")):
        _page(bureau, number, mark)
    source = bureau.source("dcat", url=f"{bureau.portal.url}/p100.ttl")
    assert bureau.counts(source) == {"seen": 9, "added": 9}

    _page(bureau, 102, "/p100.ttl")
    assert bureau.harvest(source).state is HarvestState.DONE, "a circle after all that there is harms nobody"
    bureau.portal.files["/p102.ttl"] = (
        200,
        _turtle(range(0), more='<urn:p> hydra:next "/p102.ttl" .').encode(),
        {"Content-Type": "text/turtle"},
    )
    run = bureau.harvest(source)
    assert run.error is not None
    assert run.error["code"] == "harvest_endless"

    for mark in ("http://169.254.169.254/latest/meta-data/", "file:///etc/passwd", "http://localhost:1/x.ttl"):
        _page(bureau, 102, mark)
        run = bureau.harvest(source)
        assert run.error is not None
        assert run.error["code"] == "paging_leaves_service"


BOMB = b"""<?xml version="1.0"?><!DOCTYPE rdf:RDF [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="urn:x">&b;</rdf:Description></rdf:RDF>"""
FILE = BOMB.replace(b'"aaaaaaaaaa"', b'SYSTEM "file:///etc/passwd"')


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        (BOMB, "application/rdf+xml", "harvest_entities"),
        (FILE, "application/rdf+xml", "harvest_entities"),
        (BOMB.decode().encode("utf-16"), "application/rdf+xml", "harvest_entities"),
        (b'{"@context": "%s/spy.jsonld", "@graph": []}', "application/ld+json", "harvest_remote_context"),
        (b'{"@context": [{"@import": "%s/spy.jsonld"}], "@graph": []}', "application/ld+json", "harvest_remote_context"),
        (b'{"a": {"@context": {"b": {"@id": "x:y", "@context": "%s/spy.jsonld"}}}}', "application/ld+json", "harvest_remote_context"),
        (b"<html>", "text/turtle", "harvest_no_catalog"),
        (b'{"@graph": ' + b"[" * 50_000, "application/ld+json", "harvest_no_catalog"),
        (b"# " + b"x" * (1 << 21), "text/turtle", "harvest_rdf_too_large"),
    ],
    ids=["bomb", "file", "utf-16", "context", "import", "scoped", "html", "deep", "large"],
)  # fmt: skip
def test_documents_reach_for_nothing_and_blow_up_nothing(bureau: Bureau, body: bytes, kind: str, code: str) -> None:
    served(bureau, "/odd", body.replace(b"%s", bureau.portal.url.encode()), kind)
    bureau.portal.files["/spy.jsonld"] = (200, b'{"@context": {}}', {})
    source = bureau.source("dcat", url=f"{bureau.portal.url}/odd", page_mib=1)
    with pytest.raises(Invalid) as stop:
        bureau.platform.harvests.plan(SYSTEM, source)
    assert stop.value.reason == code
    assert "/spy.jsonld" not in [path for path, _, _ in bureau.portal.asked]


def test_a_known_context_is_ours(bureau: Bureau) -> None:
    document = {
        "@context": "https://project-open-data.cio.gov/v1.1/schema/catalog.jsonld",
        "@id": "https://data.example.cn/k/1",
        "@type": "dcat:Dataset",
        "title": "已知上下文",
        "distribution": {"accessURL": "http://data.example.cn/x"},
    }
    served(bureau, "/known", document, "application/ld+json")
    assert bureau.counts(bureau.source("dcat", url=f"{bureau.portal.url}/known")) == {"seen": 1, "added": 1}


def test_a_source_on_the_inner_network_is_refused(bureau: Bureau) -> None:
    for kind in ("ckan", "data_json", "dcat"):
        with pytest.raises(Refused) as stop:
            bureau.platform.harvests.plan(SYSTEM, bureau.source(kind, url="http://127.0.0.1:9/x"))
        assert stop.value.reason == "target_not_allowed"
