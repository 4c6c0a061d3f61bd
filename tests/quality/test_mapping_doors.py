"""The mapping over HTTP and at the terminal."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from beijiang import terminal
from beijiang.kit import Language
from beijiang.quality import commands, routes

sys.path.insert(0, str(Path(__file__).parent))
from quality_bureau import Bureau, firm

T = "企业登记信息"


def test_columns_are_suggested_confirmed_measured_and_refused(bureau: Bureau) -> None:
    bureau.write([firm(n) for n in range(30)] + [firm(30, 统一社会信用代码="91350100M000100Y4X")])
    app = FastAPI()

    @app.middleware("http")
    async def who(request: Request, call_next: Any) -> Any:
        request.state.actor = bureau.steward
        return await call_next(request)

    app.include_router(routes.mapping_router(bureau.platform.mappings))
    door, at = TestClient(app), f"/api/v1/tables/{T}"
    columns = {c["column"]: c for c in door.get(f"{at}/mapping", params={"suggest": True}).json()["columns"]}
    first = columns["统一社会信用代码"]["candidates"][0]
    assert (first["element"], first["b"], first["meeting"]) == ("legal_entity.uscc", 31, 30)
    assert columns["统一社会信用代码"]["mapped"] is None
    order = {"columns": {"统一社会信用代码": "legal_entity.uscc"}, "reason": "核对"}
    assert door.post(f"{at}/mapping", json=order).status_code == 201
    measured = door.post(f"{at}/conformity").json()["conformity"]
    assert [(c["a"], c["b"], c["element_version"]) for c in measured] == [(30, 31, 1)]
    assert door.get(f"{at}/conformity").json()["conformity"] == measured
    used = door.get("/api/v1/standards/elements/legal_entity.uscc/columns").json()["columns"]
    assert [(c["table"], c["column"], c["reason"]) for c in used] == [(T, "统一社会信用代码", "核对")]
    refused = {"column": "统一社会信用代码", "element": "legal_entity.uscc"}
    assert door.post(f"{at}/mapping/refuse", json=refused).json()["confirmed"] is False

    terminal.set_style(as_json=True, language=Language.EN)
    group = commands.commands(lambda: bureau.platform.quality, lambda: bureau.platform.access)
    commands.add_mapping(group, lambda: bureau.platform.mappings, lambda: bureau.platform.access)

    def run(*words: str, status: int = 0) -> Any:
        answer = CliRunner().invoke(group, [*words, "--as", "steward"])
        assert answer.exit_code == status, (answer.output, answer.exception)
        return json.loads(answer.stdout) if answer.stdout.strip() else None

    rows = run("mapping", T, "--suggest")
    assert not [r for r in rows if r.get("element") == "legal_entity.uscc" and r["column"] == "统一社会信用代码"]
    run("map", T, "企业名称=legal_entity.entity_name", "--no-rules", "--reason", "x")
    assert [(c["a"], c["b"]) for c in run("conformity", T, "--measure")] == [(31, 31)]
    assert [c["column"] for c in run("conformity", T)] == ["企业名称"]
    assert [r["x"] for r in run("mapping", T) if r.get("state") == "confirmed"] == [1.0]
    run("unmap", T, "企业名称", "legal_entity.entity_name")
    run("map", T, "企业名称", status=1)
