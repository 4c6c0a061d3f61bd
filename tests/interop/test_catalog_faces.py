"""The catalog's machine-readable faces, read by the clients that other people use."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rdflib import Graph, URIRef
from rdflib.compare import isomorphic
from rdflib.namespace import DCAT, DCTERMS, RDF

if TYPE_CHECKING:
    from opendata.conftest import Portal

RULES = Path(__file__).with_name("dcat_ap_rules.ttl")
PARSERS = {"ttl": "turtle", "rdf": "xml", "xml": "xml", "n3": "n3", "jsonld": "json-ld"}
HYDRA = "http://www.w3.org/ns/hydra/core#"
Run = Callable[..., Any]


def graph(portal: Portal, path: str, suffix: str = "ttl") -> Graph:
    answer = portal.get(path)
    assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:300]}"
    return Graph().parse(data=answer.content, format=PARSERS[suffix])


def names_of_itself(found: Graph) -> Graph:
    """Leave out what names the syntax: the addresses of the pages."""
    kept = Graph()
    for s, p, o in found:
        if not str(p).startswith(HYDRA) and "PagedCollection" not in str(o):
            kept.add((s, p, o))
    return kept


@pytest.mark.filterwarnings(
    "ignore:Dataset.default_context is deprecated:DeprecationWarning"
)  # in rdflib's parser of N3
def test_five_syntaxes_say_the_same(portal: Portal) -> None:
    first = names_of_itself(graph(portal, "/catalog.ttl"))
    assert len(set(first.subjects(RDF.type, DCAT.Dataset))) == len(portal.ids)
    for suffix in PARSERS:
        assert isomorphic(names_of_itself(graph(portal, f"/catalog.{suffix}", suffix)), first), suffix
        one = graph(portal, f"/datasets/{portal.ids['works']}.{suffix}", suffix)
        assert isomorphic(one, graph(portal, f"/datasets/{portal.ids['works']}.ttl")), suffix


def test_the_page_gives_rdf_to_who_prefers_it(portal: Portal) -> None:
    path = f"/datasets/{portal.ids['works']}"
    answer = portal.get(path, headers={"accept": "application/ld+json"}, follow_redirects=True)
    assert answer.headers["content-type"].startswith("application/ld+json")
    answer = portal.get(path, headers={"accept": "text/html, text/turtle;q=0.5"}, follow_redirects=True)
    assert answer.headers["content-type"].startswith("text/html")


def test_the_shapes_of_dcat_ap_find_nothing(portal: Portal, python: Path, tmp_path: Path) -> None:
    paths = [
        "/catalog.ttl",
        "/departments/forest/catalog.ttl",
        *(f"/datasets/{id_}.ttl" for id_ in portal.ids.values()),
    ]
    for number, path in enumerate(paths):
        file = tmp_path / f"{number}.ttl"
        file.write_bytes(portal.get(path).content)
        done = subprocess.run(
            [str(python), "-m", "pyshacl", "-s", str(RULES), "-f", "human", str(file)],
            capture_output=True, text=True, check=False, timeout=500,
        )  # fmt: skip
        assert done.returncode == 0, path + done.stdout[-3000:] + done.stderr[-500:]
    broken = tmp_path / "broken.ttl"
    broken.write_text((tmp_path / "0.ttl").read_text().replace("a dct:Frequency", "a dct:Nothing"))
    done = subprocess.run(
        [str(python), "-m", "pyshacl", "-s", str(RULES), str(broken)], capture_output=True, check=False, timeout=500
    )
    assert done.returncode == 1, "the shapes look"


def test_pages_are_counted_and_end(portal: Portal) -> None:
    found = graph(portal, "/catalog.ttl?page=2")
    assert not list(found.objects(None, URIRef(f"{HYDRA}next")))
    assert [str(o) for o in found.objects(None, URIRef(f"{HYDRA}previousPage"))] == [
        f"{portal.platform.opendata.base}/catalog.ttl?page=1"
    ]
    assert not list(found.subjects(RDF.type, DCAT.Dataset))
    for wrong, status in (("catalog.ttl?page=0", 400), ("catalog.ttl?page=x", 400), ("catalog.ttl?nonsense=1", 400),
                          ("catalog.ttl?modified_since=soon", 400), ("catalog.docx", 406), ("departments/nobody/catalog.ttl", 404),
                          ("datasets/res_none.ttl", 404), ("datasets/res_none.docx", 406)):  # fmt: skip
        assert portal.get(f"/{wrong}").status_code == status, wrong


def test_a_text_a_facet_and_a_moment_narrow_it(portal: Portal) -> None:
    def titles(query: str) -> set[str]:
        found = graph(portal, f"/catalog.ttl?{query}")
        return {str(found.value(s, DCTERMS.title)) for s in found.subjects(RDF.type, DCAT.Dataset)}

    assert titles("q=图书馆") == {"公共图书馆"}
    assert titles("open_type=not_open") == {"内部评审台账"}
    assert titles("modified_since=2999-01-01") == set()
    assert len(titles("modified_since=2000-01-01T00:00:00%2B08:00")) == len(portal.ids)
    assert portal.get("/departments/forest/catalog.ttl").text.count("a dcat:Dataset") == 2


def test_what_is_unchanged_is_not_sent_again(portal: Portal) -> None:
    for path in ("/catalog.ttl", "/catalog.jsonld", "/data.json", "/catalog.csv", "/sitemap.xml",
                 f"/datasets/{portal.ids['works']}/datapackage.json"):  # fmt: skip
        answer = portal.get(path)
        again = portal.get(path, headers={"if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b""), path
        plain = portal.get(path, headers={"accept-encoding": "identity"})
        assert plain.content == answer.content
        assert "content-encoding" not in plain.headers
    assert portal.get("/catalog.ttl").headers["content-encoding"] == "gzip"


def test_data_json_has_what_dcat_us_requires(portal: Portal, client: Run) -> None:
    schema = {
        "type": "object",
        "required": ["conformsTo", "dataset"],
        "properties": {
            "conformsTo": {"const": "https://project-open-data.cio.gov/v1.1/schema"},
            "dataset": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/dataset"}},
        },
        "$defs": {
            "words": {"type": "string", "minLength": 1},
            "dataset": {
                "required": [
                    "title", "description", "keyword", "modified", "publisher", "contactPoint", "identifier", "accessLevel",
                ],
                "properties": {
                    **{name: {"$ref": "#/$defs/words"} for name in ("title", "description", "identifier", "rights", "spatial")},
                    "keyword": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/words"}},
                    "modified": {"type": "string", "pattern": r"^(\d{4}-\d{2}-\d{2}T|R/P)"},
                    "publisher": {"type": "object", "required": ["name"]},
                    "contactPoint": {
                        "required": ["fn", "hasEmail"],
                        "properties": {"hasEmail": {"pattern": "^mailto:[^@ ]+@[^@ ]+$"}},
                    },
                    "accessLevel": {"enum": ["public", "restricted public", "non-public"]},
                    "license": {"type": "string", "pattern": "^https?://"},
                    "issued": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}"},
                    "temporal": {"type": "string", "pattern": "^[0-9-]+/[0-9-]+$"},
                    "accrualPeriodicity": {"type": "string", "pattern": "^(irregular|R/P.+)$"},
                    "distribution": {
                        "type": "array", "minItems": 1,
                        "items": {"anyOf": [{"required": ["downloadURL", "mediaType"]}, {"required": ["accessURL", "format"]}]},
                    },
                },
                "not": {"anyOf": [{"required": ["bureauCode"]}, {"required": ["programCode"]}]},
            },
        },
    }  # fmt: skip
    lines = """
import json, sys, jsonschema
document, schema = json.loads(sys.argv[1]), json.loads(sys.argv[2])
print("RESULT" + json.dumps([e.message for e in jsonschema.Draft202012Validator(schema).iter_errors(document)]))
"""
    told = portal.json("/data.json")
    assert client(lines, json.dumps(told), json.dumps(schema)) == []
    assert len(told["dataset"]) == len(portal.ids)
    closed = next(d for d in told["dataset"] if d["title"] == "内部评审台账")
    assert closed["accessLevel"] == "non-public"
    assert "distribution" not in closed


@pytest.mark.parametrize("name", ["firms", "towers", "works", "libraries"])
def test_frictionless_finds_every_file_as_described(portal: Portal, client: Run, name: str) -> None:
    lines = """
import json, sys, frictionless
from frictionless import Package, system
report = frictionless.validate(sys.argv[1])
print("RESULT" + json.dumps([report.valid, report.flatten(["title", "message"]), len(report.tasks)]))
"""
    address = f"{portal.platform.opendata.base}/datasets/{portal.ids[name]}/datapackage.json"
    valid, faults, tables = client(lines, address)
    assert valid, faults
    assert tables == 1


def test_frictionless_on_the_command_line_ends_well(portal: Portal, python: Path) -> None:
    address = f"{portal.platform.opendata.base}/datasets/{portal.ids['works']}/datapackage.json"
    done = subprocess.run(
        [str(python.parent / "frictionless"), "validate", address],
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.parametrize("name", ["firms", "works", "libraries"])
def test_croissant_loads_with_its_records_and_no_issue(portal: Portal, client: Run, name: str) -> None:
    lines = """
import json, sys, mlcroissant
dataset = mlcroissant.Dataset(jsonld=sys.argv[1])
issues = dataset.metadata.ctx.issues
rows = list(dataset.records("rows"))
first = {k: (v.decode() if isinstance(v, bytes) else v) for k, v in rows[1].items()}
print("RESULT" + json.dumps([issues.report(), len(rows), first], default=str))
"""
    address = f"{portal.platform.opendata.base}/datasets/{portal.ids[name]}/croissant.jsonld"
    report, count, first = client(lines, address)
    assert report.strip() == ""
    shown = portal.json(portal.api(name, "/rows"))
    assert count == portal.json(portal.api(name))["data"]["rows"]
    assert len(first) == len(shown["columns"])


def test_a_file_is_what_its_name_says_and_is_gone_when_it_is_not(portal: Portal) -> None:
    told = portal.json(f"/datasets/{portal.ids['firms']}/datapackage.json")
    for resource in told["resources"]:
        path = resource["path"].removeprefix(portal.platform.opendata.base)
        answer = portal.get(path)
        assert (len(answer.content), f"sha256:{hashlib.sha256(answer.content).hexdigest()}") == (
            resource["bytes"], resource["hash"],
        )  # fmt: skip
        head = portal.client.head(path)
        assert (int(head.headers["content-length"]), head.content) == (resource["bytes"], b"")
        assert portal.get(path, headers={"if-none-match": answer.headers["etag"]}).status_code == 304
        wrong = re.sub("-[0-9a-f]{16}", "-" + "0" * 16, path)
        assert portal.get(wrong).status_code == 404
    for secret in portal.secrets():
        assert secret not in json.dumps(told, ensure_ascii=False)
    assert portal.get(f"/datasets/{portal.ids['closed']}/datapackage.json").status_code == 404


def test_the_page_carries_schema_org_that_cannot_end_its_block(portal: Portal) -> None:
    page = portal.page(f"/datasets/{portal.ids['works']}")
    blocks = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    assert len(blocks) == 1
    assert "<" not in blocks[0]
    told = json.loads(blocks[0])
    assert "<script>&\"'" in told["keywords"]
    assert 50 <= len(told["description"]) <= 5000
    assert all(
        d["contentUrl"].startswith(portal.platform.opendata.base) and "url" not in d for d in told["distribution"]
    )
    local = {**told, "@context": {"@vocab": "https://schema.org/"}}  # the context that stands elsewhere is not fetched
    found = Graph().parse(data=json.dumps(local), format="json-ld")
    kinds = {str(o) for o in found.objects(None, RDF.type)}
    assert {"https://schema.org/Dataset", "https://schema.org/DataDownload"} <= kinds


def test_the_catalog_as_a_table_says_why_a_set_is_not_open(portal: Portal) -> None:
    import csv
    import io

    from openpyxl import load_workbook

    text = portal.get("/catalog.csv", headers={"accept-language": "zh-CN"}).content.decode("utf-8-sig")
    rows = {row["名称"]: row for row in csv.DictReader(io.StringIO(text))}
    assert set(rows) == {"企业登记信息", "森林防火瞭望塔", "内部评审台账", "重点项目", "公共图书馆"}
    assert rows["内部评审台账"]["开放条件或不开放的原因"] == "评审过程信息，依规不予开放。"
    assert rows["内部评审台账"]["下载（CSV）"] == ""
    book = load_workbook(io.BytesIO(portal.get("/catalog.xlsx").content))
    assert book.worksheets[0].max_row == len(rows) + 1
