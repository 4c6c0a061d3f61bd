"""What a recipe, a SQL model or a library fills takes nothing in: files and sources are refused before a byte is landed."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from recipe_bureau import OTHER, OWNER, Kitchen
from typer.testing import CliRunner

from beijiang.access import KeyDraft, Permission, Role
from beijiang.app import create_app
from beijiang.fusion import Element, LibraryDraft
from beijiang.ingest import FileRules, IngestRequest, SourceDraft, StreamDraft, StreamKind, SyncDraft
from beijiang.ingest.commands.files import commands
from beijiang.kit import SYSTEM, Actor, Conflict
from beijiang.outbound import Target
from beijiang.recipes import RecipeDraft

PASSWORD = "Steppe-under-a-wide-sky-26"


def refusal(house: Kitchen, who: Actor, table: str, org_id: str = OWNER) -> Conflict:
    with pytest.raises(Conflict) as refused:
        house.platform.ingest.require_free(who, table, org_id)
    return refused.value


def landed(house: Kitchen) -> int:
    return len(house.platform.ingest.files(SYSTEM, org_id=OWNER, limit=1000))


def test_who_fills_a_table_is_said_and_what_to_do_instead(house: Kitchen) -> None:
    source = house.raw()
    recipe = house.save(source)
    draft = RecipeDraft(target=f"{source}计", source="", steps=(), sql=f'SELECT COUNT(*) AS "数" FROM "{source}"')
    model = house.platform.recipes.save(house.steward, draft)
    elements = (Element(name="机构名称", element="", type="C"),)
    keeper = house._person("keeper", "bigdata", Role.STEWARD)
    library = LibraryDraft(kind="theme", name="机构库", target="机构库", elements=elements, key=("机构名称",))
    kept = house.platform.fusion.declare(keeper, library)

    by_recipe = refusal(house, house.steward, recipe.target)
    assert by_recipe.reason == "table_is_made"
    assert by_recipe.detail == {
        "table": recipe.target,
        "by": "recipe",
        "id": recipe.id,
        "name": recipe.name,
        "sources": [source],
    }
    assert source in by_recipe.text.zh
    assert source in by_recipe.text.en
    assert refusal(house, house.steward, model.target).detail["by"] == "sql"
    for table in (kept.target, kept.crosswalk):
        found = refusal(house, keeper, table, "bigdata")
        assert (found.detail["by"], found.detail["id"]) == ("library", kept.id)
        assert refusal(house, house.steward, table).reason == "other_organisation"  # and nothing else is said
    assert refusal(house, house.stranger, recipe.target, OTHER).reason == "other_organisation"
    house.platform.ingest.require_free(house.steward, source, OWNER)
    house.platform.recipes.retire(house.steward, model.id, "改由文件提供")
    house.platform.ingest.require_free(house.steward, model.target, OWNER)


def test_every_way_in_is_closed_before_anything_is_kept(house: Kitchen, tmp_path: Path) -> None:
    recipe = house.save(house.raw())
    platform = house.platform
    file = platform.ingest.land(SYSTEM, BytesIO(b"a,b\n1,2\n"), "a.csv", OWNER)
    before = landed(house)

    def codes(what: Any, *words: Any) -> str:
        with pytest.raises(Conflict) as refused:
            what(*words)
        return refused.value.reason

    order = IngestRequest(files=(file.sha256,), into=recipe.target, org_id=OWNER)
    assert codes(platform.ingest.submit, house.steward, order) == "table_is_made"
    stream = StreamDraft(
        name="净",
        kind=StreamKind.WEBHOOK,
        org_id=OWNER,
        table=recipe.target,
        options={"columns": [{"name": "编号", "type": "text"}]},
    )
    assert codes(platform.streams.add, SYSTEM, stream) == "table_is_made"
    (tmp_path / "来件").mkdir()
    platform.sources.allow(SYSTEM, Target(folder=str(tmp_path / "来件")), "来件")
    place = {"path": str(tmp_path / "来件")}
    platform.sources.add(SYSTEM, SourceDraft(name="来件", kind="folder", org_id=OWNER, options=place))
    sync = SyncDraft(source_id="来件", feed=".", table=recipe.target, key=("编号",), files=FileRules(quiet=0))
    assert codes(platform.sources.take, SYSTEM, sync) == "table_is_made"
    later = "还没有的表"
    platform.sources.take(SYSTEM, SyncDraft(source_id="来件", feed=".", table=later, files=FileRules(quiet=0)))
    house.save(house.raw(), target=later)  # declared after the sync, before its first run
    assert codes(platform.sources.run, SYSTEM, later) == "table_is_made"
    assert landed(house) == before


def test_the_doors_refuse_it_before_the_file_is_spent(house: Kitchen, tmp_path: Path) -> None:
    recipe = house.save(house.raw())
    before = landed(house)
    file = tmp_path / "行.csv"
    file.write_text("企业名称\n甲\n", encoding="utf-8")
    app = commands(lambda: house.platform.ingest)
    told = CliRunner().invoke(app, ["files", str(file), "--into", recipe.target, "--as", "steward"])
    assert isinstance(told.exception, Conflict)
    assert told.exception.reason == "table_is_made"
    signed = house.platform.access.sign_in("steward", PASSWORD, "tests")
    scopes = frozenset(p.value for p in Permission if p.value.startswith(("ingest:", "jobs:")))
    _, key = house.platform.access.issue_key(signed.actor, KeyDraft(name="汇聚", scopes=scopes, days=1))
    client = TestClient(create_app(house.platform), base_url="http://localhost")
    client.headers["Authorization"] = f"Bearer {key}"
    where = {"name": file.name, "org": OWNER}
    refused = client.post("/api/v1/ingest/files", params={**where, "into": recipe.target}, content=file.read_bytes())
    assert refused.status_code == 409
    assert json.loads(refused.text)["error"]["code"] == "table_is_made"
    assert landed(house) == before
    kept = client.post("/api/v1/ingest/files", params={**where, "into": "别的表"}, content=file.read_bytes()).json()
    run = client.post("/api/v1/ingest/runs", json={"org_id": OWNER, "into": recipe.target, "files": [kept["sha256"]]})
    assert run.status_code == 409
