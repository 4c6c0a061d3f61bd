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
from beijiang.ingest.store.streams import StreamStore
from beijiang.kit import SYSTEM, Actor, Conflict, Unavailable
from beijiang.outbound import Target
from beijiang.recipes import RecipeDraft
from beijiang.tables import WindowMeasure, WindowSpec
from waiting import until

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
    assert landed(house) == before


COLUMNS = [{"name": "编号", "type": "text"}, {"name": "时刻", "type": "timestamp"}]


def a_stream(house: Kitchen, table: str) -> str:
    words = {"columns": COLUMNS, "batch_seconds": 0.2}
    draft = StreamDraft(name=table, kind=StreamKind.WEBHOOK, org_id=OWNER, table=table, options=words)
    return house.platform.streams.add(house.steward, draft).id


def move(house: Kitchen, stream: str, table: str) -> None:
    """Have a stream fill a table that a recipe fills, as a home of an earlier version may have it."""
    with house.platform.db.begin() as tx:
        StreamStore(tx.connection).change(stream, table_name=table)


def received(house: Kitchen, stream: str, body: bytes) -> bool:
    """Hand in a message, unless the stream that was just started is not served yet."""
    try:
        house.platform.streams.receive(house.steward, stream, body)
    except (Conflict, Unavailable):
        return False
    return True


def test_a_table_of_a_source_without_rows_is_no_recipes_and_no_librarys(house: Kitchen, tmp_path: Path) -> None:
    platform = house.platform
    stream = a_stream(house, "将来的流")
    spec = WindowSpec(time="时刻", size=3600, slide=3600, measures=(WindowMeasure.parse("count"),), lateness=0)
    platform.windows.add(house.steward, stream, "将来的窗口", spec)
    (tmp_path / "件").mkdir()
    platform.sources.allow(SYSTEM, Target(folder=str(tmp_path / "件")), "件")
    place = {"path": str(tmp_path / "件")}
    platform.sources.add(SYSTEM, SourceDraft(name="件", kind="folder", org_id=OWNER, options=place))
    platform.sources.take(SYSTEM, SyncDraft(source_id="件", feed=".", table="将来的件", files=FileRules(quiet=0)))
    source = house.raw()
    model = RecipeDraft(target="将来的流", source="", steps=(), sql=f'SELECT COUNT(*) AS "数" FROM "{source}"')
    with pytest.raises(Conflict) as by_sql:
        platform.recipes.save(house.steward, model)
    assert by_sql.value.reason == "table_has_source"
    elements = (Element(name="机构名称", element="", type="C"),)
    for table in ("将来的流", "将来的窗口", "将来的件"):
        with pytest.raises(Conflict) as by_recipe:
            house.save(source, target=table)
        assert by_recipe.value.reason == "table_has_source"
        draft = LibraryDraft(kind="theme", name="库", target=table, elements=elements, key=("机构名称",))
        with pytest.raises(Conflict):
            platform.fusion.declare(house.steward, draft)


def test_a_stream_and_a_window_leave_a_recipes_table_alone(house: Kitchen) -> None:
    platform = house.platform
    stream, recipe = a_stream(house, "流在先"), house.save(house.raw(), on_write=False)
    spec = WindowSpec(time="时刻", size=3600, slide=3600, measures=(WindowMeasure.parse("count"),), lateness=0)
    declared = house.save(house.raw(), target="窗口未成", on_write=False)
    with pytest.raises(Conflict) as window:
        platform.windows.add(house.steward, stream, declared.target, spec)
    assert window.value.reason == "table_is_made"
    move(house, stream, recipe.target)
    with pytest.raises(Conflict) as started:
        platform.streams.start(house.steward, stream)
    assert started.value.reason == "table_is_made"


def test_what_came_for_a_table_that_a_recipe_took_waits_until_the_recipe_is_retired(house: Kitchen) -> None:
    platform = house.platform
    platform.streams.attend()
    try:
        stream, recipe = a_stream(house, "流要等"), house.save(house.raw(), on_write=False)
        platform.streams.start(house.steward, stream)
        move(house, stream, recipe.target)
        until(lambda: received(house, stream, json.dumps({"编号": "甲"}).encode()))
        until(lambda: platform.streams.stream(house.steward, stream).trouble is not None)
        trouble = platform.streams.stream(house.steward, stream).trouble
        assert trouble is not None
        assert trouble["code"] == "table_is_made"
        assert not platform.ingest.runs(SYSTEM, table=recipe.target)
        platform.recipes.retire(house.steward, recipe.id, "表归数据流")
        until(lambda: recipe.target in platform.tables.names(SYSTEM))
        until(lambda: [row["编号"] for row in house.rows(recipe.target)] == ["甲"])
    finally:
        platform.streams.stop()


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
