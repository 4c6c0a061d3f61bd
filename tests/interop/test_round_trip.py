"""What one platform exports another harvests: nothing is lost on the way, and a second time nothing changes. The terminal writes the same."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import typer
from typer.testing import CliRunner

from beijiang.build import Platform, build
from beijiang.ingest import SourceDraft
from beijiang.kit import SYSTEM
from beijiang.opendata.commands import add_export, data
from beijiang.opendata.exports import service
from beijiang.outbound import Target
from beijiang.settings import Settings
from opendata.conftest import Portal

ORG = "education"


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory, portal: Portal) -> Iterator[Platform]:
    """Another platform, which may reach the portal."""
    built = build(Settings.for_tests(tmp_path_factory.mktemp("elsewhere"), public_url="https://testserver"))
    built.first_start()
    port = urlsplit(portal.platform.opendata.base).port
    assert port is not None
    built.sources.allow(SYSTEM, Target(host="127.0.0.1", port=port, network="127.0.0.0/8"), "相邻平台")
    built.jobs.start_worker()
    yield built
    built.jobs.stop()
    built.close()


def harvested(elsewhere: Platform, name: str) -> dict[str, int]:
    run = elsewhere.harvests.wait(SYSTEM, elsewhere.harvests.run(SYSTEM, name))
    assert run.error is None, run.error
    return {word: count for word, count in run.counts.items() if count}


@pytest.mark.parametrize(
    ("kind", "path"),
    [("dcat", "/catalog.ttl"), ("dcat", "/catalog.rdf"), ("dcat", "/catalog.jsonld"), ("data_json", "/data.json"), ("data_json", "/data.json?page=1")],
)  # fmt: skip
def test_what_we_export_we_harvest_whole_and_only_once(
    portal: Portal, elsewhere: Platform, kind: str, path: str
) -> None:
    base, name = portal.platform.opendata.base, f"{kind} {path}"
    elsewhere.sources.add(
        SYSTEM, SourceDraft(name=name, kind=kind, org_id=ORG, options={"url": base + path, "retries": 0})
    )
    count = len(portal.ids)
    assert harvested(elsewhere, name) == {"seen": count, "added": count}
    assert harvested(elsewhere, name) == {"seen": count, "unchanged": count}
    for key, id_ in portal.ids.items():
        told = portal.platform.opendata.dataset(SYSTEM, id_)
        record = elsewhere.harvests.record(SYSTEM, name, id_ if kind == "dcat" else f"{base}/datasets/{id_}")
        assert record.resource_id is not None, key
        entry = elsewhere.catalog.get(SYSTEM, record.resource_id).entry
        assert entry.name.partition("（")[0] == told.title, "the same name from another catalog gets a number"
        assert entry.summary == (told.summary or told.title)
        assert entry.update_cycle == told.promise.cycle
        if told.readable or kind == "data_json":  # DCAT-AP has the licence at the files
            assert entry.licence == (told.licence.id if told.licence else "")
        assert {word for word in told.keywords if "<" not in word} <= set(entry.keywords), "markup is taken out"
        assert entry.inner_office == told.provider.zh
        if told.readable:
            assert {"csv", "xlsx", "json", "parquet"} <= set(entry.formats)


def test_the_catalog_in_parts_is_the_whole(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = portal.json("/data.json")["dataset"]
    base = portal.platform.opendata.base
    monkeypatch.setattr(service, "PAGE", 2)  # small pages, so that five sets are many
    monkeypatch.setattr(service, "PART", 2)
    found, path = [], "/data.json?page=1&lang=zh-CN"
    for _ in range(20):
        answer = portal.get(path)
        found += answer.json()["dataset"]
        assert answer.json()["@id"].startswith(f"{base}/data.json?page=")
        if "next" not in answer.links:
            break
        path = answer.links["next"]["url"].removeprefix(base)
    assert [one["identifier"] for one in found] == [one["identifier"] for one in whole]
    assert found == whole
    assert portal.json("/data.json?page=9")["dataset"] == []
    assert portal.get("/data.json?page=0").status_code == 400


def test_each_department_has_its_own_part(portal: Portal) -> None:
    whole = {one["identifier"]: one for one in portal.json("/data.json")["dataset"]}
    parts = [portal.json(f"/departments/{org}/data.json") for org in ("market", "forest")]
    assert {one["identifier"]: one for part in parts for one in part["dataset"]} == whole
    assert [len(part["dataset"]) for part in parts] == [3, 2]
    assert portal.get("/departments/nobody/data.json").status_code == 404
    assert portal.get("/departments/bureau/data.json").status_code == 404, "it has published nothing"


@pytest.fixture
def told(portal: Portal) -> typer.Typer:
    platform = portal.platform
    group = data(lambda: platform.opendata, lambda: platform.glance)
    add_export(group, lambda: platform.opendata, lambda: platform.exports, lambda: platform.features)
    return group


def written(group: typer.Typer, *words: str) -> bytes:
    done = CliRunner().invoke(group, ["export", *words])
    assert done.exit_code == 0, done.output
    return done.stdout_bytes


@pytest.mark.parametrize(
    ("form", "path"),
    [("dcat", "/datasets/{}.ttl"), ("jsonld", "/datasets/{}.jsonld"), ("rdf", "/datasets/{}.rdf"), ("croissant", "/datasets/{}/croissant.jsonld"),
     ("datapackage", "/datasets/{}/datapackage.json")],
)  # fmt: skip
def test_the_terminal_writes_what_the_address_gives(portal: Portal, told: typer.Typer, form: str, path: str) -> None:
    id_ = portal.ids["towers"]
    assert written(told, id_, "--format", form) == portal.get(path.format(id_)).content


def test_the_terminal_writes_catalogs_and_features(portal: Portal, told: typer.Typer) -> None:
    assert json.loads(written(told, "--format", "data.json")) == portal.json("/data.json")
    table = written(told, "--format", "csv").decode("utf-8-sig")
    assert len(list(csv.reader(io.StringIO(table)))) == len(portal.ids) + 1
    assert written(told, "--format", "dcat").count(b"a dcat:Dataset") == len(portal.ids)
    features = json.loads(written(told, portal.ids["towers"], "--format", "geojson"))
    paged = portal.json(f"/ogc/collections/{portal.ids['towers']}/items?limit=100")["features"]
    assert [one["properties"] for one in features["features"]] == [one["properties"] for one in paged]
    assert [one["geometry"] for one in features["features"]] == [one["geometry"] for one in paged]
    for words in (("res_none", "--format", "dcat"), (portal.ids["closed"], "--format", "croissant"), (portal.ids["firms"], "--format", "geojson"),
                  ("--format", "docx"), (portal.ids["firms"], "--format", "csv")):  # fmt: skip
        assert CliRunner().invoke(told, ["export", *words]).exit_code != 0, words


def test_the_page_names_every_form_with_its_address(portal: Portal) -> None:
    base = portal.platform.opendata.base
    page = portal.page(f"/datasets/{portal.ids['towers']}/api")
    for path in (".ttl", ".jsonld", "/croissant.jsonld", "/datapackage.json"):
        address = f"{base}/datasets/{portal.ids['towers']}{path}"
        assert f'href="{address}"' in page
        assert portal.get(address.removeprefix(base)).status_code == 200
    assert f"{base}/ogc" in page
    assert "ogr2ogr" in page
    other = portal.page(f"/datasets/{portal.ids['firms']}/api")
    assert "ogr2ogr" not in other
    assert "croissant.jsonld" in other
