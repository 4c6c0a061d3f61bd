"""HEAD over a real connection: the answer of GET without its body, and of a file not even its reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from beijiang.evidence import EvidenceQuery
from beijiang.kit import SYSTEM

if TYPE_CHECKING:
    from httpx import Response

    from conftest import Region

SAME = ("content-type", "content-length", "cache-control", "content-security-policy", "vary", "location", "etag")
PATHS = [
    "/",
    "/datasets?q=企业",
    "/datasets/{open}",
    "/datasets/{open}/chart",
    "/departments",
    "/about",
    "/feed.xml",
    "/robots.txt",
    "/health",
    "/openapi.json",
    "/console/sign-in",
    "/console",
    "/missing",
    "/api/v1/datasets",
    "/api/v1/datasets/{open}",
    "/api/v1/datasets/{open}/rows?_sort=nothing",
    "/api/v1/datasets/missing",
    "/api/v1/people",
]


@pytest.mark.parametrize("path", PATHS)
def test_head_is_get_without_the_body(region: Region, path: str) -> None:
    path = path.format(**region.ids)
    browser = {"accept": "text/html"} if not path.startswith("/api/") else {}
    before = region["visitor"].get(path, headers=browser)
    head = region["visitor"].ask("HEAD", path, headers=browser)
    after = region["visitor"].get(path, headers=browser)  # "9 minutes ago" may have become 10 in between
    assert (head.status_code, head.content) == (after.status_code, b"")
    assert _headers(head) in (_headers(before), _headers(after))


def _headers(answer: Response) -> dict[str, str | None]:
    return {name: answer.headers.get(name) for name in SAME}


def test_head_of_a_change_is_no_change(region: Region) -> None:
    assert region["steward"].ask("HEAD", "/api/v1/sql").status_code == 405


@pytest.mark.threat("TM-07")
@pytest.mark.parametrize("form", ["csv", "xlsx", "json", "parquet"])
def test_head_of_a_download_reads_no_row_and_records_no_read(region: Region, form: str) -> None:
    path = f"/api/v1/datasets/{region.ids['open']}/download?format={form}"
    got = region["visitor"].get(path)
    before = _records(region)
    head = region["visitor"].ask("HEAD", path)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-type", "content-disposition", "vary"):
        assert head.headers[name] == got.headers[name], name
    assert _records(region) == before
    assert region["visitor"].ask("HEAD", f"{path}x").status_code == 422
    for hidden in ("missing", region.ids["hidden"]):
        answers = [region["visitor"].ask(m, f"/api/v1/datasets/{hidden}/download") for m in ("GET", "HEAD")]
        assert {answer.status_code for answer in answers} == {404}


def test_head_of_the_evidence_asks_for_the_right_and_exports_nothing(region: Region) -> None:
    path = "/console/evidence/export"
    assert region["auditor"].get(path).status_code == 200
    before = _exports(region)
    head = region["auditor"].ask("HEAD", path)
    assert (head.status_code, head.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert "attachment" in head.headers["content-disposition"]
    assert _exports(region) == before
    assert region["steward"].ask("HEAD", path).status_code == 403


def test_head_of_a_return_file_writes_none(region: Region) -> None:
    run = region.ids["bad_run"]
    for path in (f"/api/v1/ingest/runs/{run}/return-file", f"/console/runs/{run}/return-file"):
        got = region["steward"].get(path)
        before = _returns(region)
        head = region["steward"].ask("HEAD", path)
        assert (head.status_code, head.content) == (200, b"")
        for name in ("content-type", "content-disposition"):
            assert head.headers[name] == got.headers[name]
        assert _returns(region) == before
        assert region["neighbour"].ask("HEAD", path).status_code == region["neighbour"].get(path).status_code == 404


def _returns(region: Region) -> int:
    query = EvidenceQuery(action="ingest.return_file", limit=1000)
    return len(region.platform.evidence_reader.search(SYSTEM, query).records)


def _records(region: Region) -> list[int]:
    """Return the reads and refusals; how much a read handed over is noted after its answer, and is none."""
    asked = (EvidenceQuery(action="read", limit=1000), EvidenceQuery(decision="deny", limit=1000))
    found = [region.platform.evidence_reader.search(SYSTEM, query).records for query in asked]
    return [r.sequence for records in found for r in records if r.action != "read.close"]


def _exports(region: Region) -> int:
    query = EvidenceQuery(action="evidence.export", limit=1000)
    return len(region.platform.evidence_reader.search(SYSTEM, query).records)
