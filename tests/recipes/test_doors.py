"""Recipes over HTTP and at the terminal: the same verbs, the same words."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from beijiang import terminal
from beijiang.access import KeyDraft, Permission
from beijiang.app import create_app
from beijiang.kit import Language
from beijiang.recipes.commands import commands

sys.path.insert(0, str(Path(__file__).parent))
from recipe_bureau import CLEAN, Kitchen

PASSWORD = "Steppe-under-a-wide-sky-26"


@pytest.fixture(scope="module")
def client(house: Kitchen) -> TestClient:
    access = house.platform.access
    signed = access.sign_in("steward", PASSWORD, "tests")
    scopes = frozenset(
        str(p)
        for p in Permission
        if p.startswith(("recipes:", "jobs:", "tables:", "protection:rows:", "quality:rows:", "quality:rule:"))
    )
    _, secret = access.issue_key(signed.actor, KeyDraft(name="加工", scopes=scopes, days=1))
    made = TestClient(create_app(house.platform))
    made.headers["Authorization"] = f"Bearer {secret}"
    return made


def test_a_program_makes_a_table(house: Kitchen, client: TestClient) -> None:
    source = house.raw()
    kinds = client.get("/api/v1/recipes/steps").json()
    assert {"kind", "name", "columns", "can_fail", "params"} == set(kinds["steps"][0])
    order: dict[str, Any] = {
        "target": f"{source}由程序",
        "source": source,
        "steps": [one.to_json() for one in CLEAN],
    }
    tried = client.post("/api/v1/recipes/preview", json=order).json()
    assert (tried["rows"], tried["counts"][2]) == (3, {"changed": 2, "faulty": 1})
    assert tried["sample"][0]["before"]
    made = client.post("/api/v1/recipes", json=order)
    assert made.status_code == 201
    recipe = made.json()["id"]
    job = client.post(f"/api/v1/recipes/{recipe}/run").json()["job"]
    house.platform.jobs.wait(job)
    runs = client.get(f"/api/v1/recipes/{recipe}/runs").json()["runs"]
    assert runs[0]["version"] == 1
    assert (runs[0]["making"], runs[0]["worked"], set(runs[0]["why"])) == ("whole", None, {"zh", "en"})
    way = client.get(f"/api/v1/recipes/{recipe}").json()["way"]
    assert (way["making"], way["key"]) == ("rows", [])
    assert "appended" in way["why"]["en"]
    rows = client.get(f"/api/v1/recipe-runs/{runs[0]['id']}/steps/2/rows").json()
    assert rows["rows"][0]["成立日期"] == "不详"
    changed = client.put(f"/api/v1/recipes/{recipe}", json={**order, "steps": order["steps"][:1], "reason": "少做"})
    assert changed.json()["revision"] == 2
    assert [one["revision"] for one in client.get(f"/api/v1/recipes/{recipe}/history").json()["history"]] == [1, 2]
    assert recipe in {one["id"] for one in client.get("/api/v1/recipes").json()["recipes"]}
    assert client.get(f"/api/v1/recipes/{order['target']}").json()["id"] == recipe
    suggested = client.get(f"/api/v1/tables/{source}/recipe-suggestions").json()["suggestions"]
    assert "money" in {one["step"]["kind"] for one in suggested}
    wrong = client.post("/api/v1/recipes/preview", json={**order, "steps": [{"kind": "trim", "columns": ["没有"]}]})
    assert wrong.status_code == 422
    assert wrong.json()["error"]["detail"]["step"] == 0
    assert client.delete(f"/api/v1/recipes/{recipe}", params={"reason": "完"}).status_code == 204
    assert client.get(f"/api/v1/recipes/{recipe}").status_code == 404


def test_an_operator_makes_a_table(house: Kitchen, tmp_path: Path) -> None:
    source = house.raw()
    runner = CliRunner()
    group = commands(lambda: house.platform.recipes, lambda: house.platform.access)

    def ask(*words: str, fails: bool = False) -> Any:
        terminal.set_style(as_json=True, language=Language.EN)
        answer = runner.invoke(group, [*words])
        assert (answer.exception is not None) is fails, answer.output
        return answer.exception if fails else answer.stdout

    assert "money" in {one["kind"] for one in json.loads(ask("steps"))}
    file = tmp_path / "recipe.json"
    suggested = json.loads(ask("suggest", source, "--write", str(file)))
    assert {"blank", "date", "money"} <= {one["kind"] for one in suggested}
    body = json.loads(file.read_text("utf-8"))
    assert body["source"] == source
    toml = tmp_path / "recipe.toml"
    toml.write_text(
        f'target = "{source}由人"\nsource = "{source}"\n'
        '[[steps]]\nkind = "date"\ncolumns = ["成立日期"]\non_fault = "aside"\n',
        "utf-8",
    )
    assert "2024-03-01" in ask("preview", str(toml))
    run = json.loads(ask("save", str(toml), "--reason", "试"))[0]
    assert (run["version"], run["rows"], run["aside"]) == (1, 2, 1)
    target = f"{source}由人"
    assert json.loads(ask("faulty", run["id"], "1"))[0]["企业名称"] == "乙公司"
    shown = json.loads(ask("show", target))
    assert (shown[0]["kind"], shown[0]["faulty"]) == ("date", 1)
    exported = json.loads(ask("export", target))
    assert exported["steps"][0]["on_fault"] == "aside"
    file.write_text(json.dumps({**exported, "steps": []}), "utf-8")
    assert json.loads(ask("change", target, str(file), "--reason", "不动"))[0]["rows"] == 3
    assert json.loads(ask("run", target))[0]["version"] == 3
    runs = json.loads(ask("runs", target))
    assert [one["revision"] for one in runs] == [2, 2, 1]
    assert [one["making"] for one in runs] == ["whole"] * 3
    assert "did not change" in runs[0]["why"]
    assert target in {one["target"] for one in json.loads(ask("list"))}
    ask("retire", target, "--reason", "完")
    file.write_text("[]", "utf-8")
    assert getattr(ask("save", str(file), fails=True), "reason", "") == "recipe_file"
