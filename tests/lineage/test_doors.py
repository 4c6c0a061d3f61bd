"""Lineage over HTTP and in the terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from beijiang.access import KeyDraft, Permission
from beijiang.app import create_app
from beijiang.kit import Language
from beijiang.lineage.commands import commands
from beijiang.lineage.errors import BadEvent
from beijiang.terminal import set_style

sys.path.insert(0, str(Path(__file__).parent))

from chain import Chain
from test_lineage import event, output


@pytest.fixture(scope="module")
def client(chain: Chain) -> Iterator[TestClient]:
    with TestClient(create_app(chain.platform)) as made:
        yield made


def key(chain: Chain, login: str, *scopes: str) -> dict[str, str]:
    draft = KeyDraft(name="试", scopes=frozenset(Permission(scope) for scope in scopes), days=7)
    return {"Authorization": f"Bearer {chain.platform.access.issue_key(chain[login], draft)[1]}"}


def test_the_api_answers_graphs_impact_paths_and_events(chain: Chain, client: TestClient) -> None:
    head = key(chain, "reviewer", "lineage:graph:read", "tables:table:read_metadata", "catalog:resource:read")
    graph = client.get("/api/v1/tables/区划人口/lineage", params={"column": "人数", "depth": 1}, headers=head).json()
    assert {node["name"] for node in graph["nodes"] if node["kind"] == "table"} == {"区划人口", "居民登记", "就诊人口"}
    assert graph["start"] == "table:区划人口"
    impact = client.get("/api/v1/tables/居民登记/lineage/impact", params={"column": "手机"}, headers=head).json()
    assert [one["name"] for one in impact["touched"] if one["kind"] == "table"] == ["区划人口", "就诊人口", "全区人口"]
    ends = {"from_table": "居民登记", "from_column": "证件号", "to_table": "全区人口", "to_column": "总数"}
    assert len(client.get("/api/v1/lineage/path", params=ends, headers=head).json()["steps"]) == 3
    page = client.get("/api/v1/lineage/events", params={"table": "区划人口"}, headers=head).json()
    lines = client.get("/api/v1/lineage/events/download", params={"table": "区划人口"}, headers=head).text.splitlines()
    assert [json.loads(line) for line in lines] == page["events"]
    late = client.get("/api/v1/lineage/events", params={"since": "2027-01-01T00:00:00"}, headers=head).json()
    assert late == {"events": [], "next": None}
    assert client.get("/api/v1/lineage/events").status_code == 401
    assert client.get("/api/v1/tables/没有/lineage", headers=head).status_code == 404


def test_events_come_in_by_post(chain: Chain, client: TestClient) -> None:
    head = key(chain, "steward", "lineage:event:send")
    one = event(outputs=[output()], run={"runId": "0190a5b0-0000-7000-8000-00000000000a"})
    assert client.post("/api/v1/lineage", json=one, headers=head).status_code == 201
    again = client.post("/api/v1/lineage", json=one, headers=head)
    assert (again.status_code, again.json()) == (201, {"new": 0})
    two = event(eventType="START", run={"runId": "0190a5b0-0000-7000-8000-00000000000b"})
    assert client.post("/api/v1/lineage/batch", json=[one, two], headers=head).json() == {"new": 1}
    bad = client.post("/api/v1/lineage", json={"eventType": "COMPLETE"}, headers=head)
    assert (bad.status_code, bad.json()["error"]["code"]) == (400, "event_invalid")
    assert client.post("/api/v1/lineage/batch", json=two, headers=head).status_code == 400
    away = event(job={"namespace": "beijiang://内蒙古自治区/health", "name": "x"})
    assert client.post("/api/v1/lineage", json=away, headers=head).status_code == 403
    assert client.post("/api/v1/lineage", content=b"x" * (1024 * 1024 + 1), headers=head).status_code == 413
    assert client.post("/api/v1/lineage", json=one).status_code == 401
    read = key(chain, "steward", "lineage:graph:read")
    assert client.post("/api/v1/lineage", json=one, headers=read).status_code == 403
    assert client.post("/api/v1/lineage/batch", content=b"{", headers=read).status_code == 403


@pytest.mark.parametrize("style", [True, False])
def test_the_terminal_has_the_same_verbs(chain: Chain, tmp_path: Path, style: bool) -> None:
    set_style(as_json=style, language=Language.EN)
    group = commands(lambda: chain.platform.lineage, lambda: chain.platform.access)

    def run(*words: str) -> str:
        done = CliRunner().invoke(group, list(words), catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    try:
        assert "aggregation" in run("show", "区划人口", "--column", "人数", "--as", "reviewer")
        assert "就诊人口" not in run("show", "居民登记", "--as", "steward")
        assert "全区人口" in run("impact", "居民登记", "手机")
        assert "identity" in run("path", "区划人口", "人数", "就诊人口", "基数")
        run("export", str(tmp_path / "a.ndjson"), "--table", "区划人口")
    finally:
        set_style(as_json=False, language=Language.ZH)
    events: list[dict[str, Any]] = [json.loads(line) for line in (tmp_path / "a.ndjson").read_text().splitlines()]
    assert [one["eventType"] for one in events] == ["START", "COMPLETE"]


def test_events_come_in_from_a_file(chain: Chain, tmp_path: Path) -> None:
    group = commands(lambda: chain.platform.lineage, lambda: chain.platform.access)
    lines, array = tmp_path / "events.ndjson", tmp_path / "events.json"
    one = event(run={"runId": "0a1d3c2e-7f0b-4b1a-9a53-0b6f2c6c1d77"}, outputs=[output()])
    lines.write_text(json.dumps(one) + "\n\n" + json.dumps({**one, "eventTime": "2026-03-02T00:00:00Z"}) + "\n")
    array.write_text(json.dumps([one]))
    set_style(as_json=False, language=Language.EN)
    for file, told in ((lines, "took 2 new"), (array, "took 0 new")):
        done = CliRunner().invoke(group, ["import", str(file), "--as", "steward"], catch_exceptions=False)
        assert told in done.output
    array.write_text("[{}]")
    with pytest.raises(BadEvent):
        CliRunner().invoke(group, ["import", str(array), "--as", "steward"], catch_exceptions=False)
