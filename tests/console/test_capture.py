"""A log is followed through every door: the page, the API and the terminal."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
import typer
from typer.testing import CliRunner

from beijiang.ingest import SyncMode
from beijiang.ingest.commands import add_captures
from beijiang.kit import SYSTEM, Language
from beijiang.terminal import set_style

TABLE = """CREATE TABLE "企业" ("编号" int PRIMARY KEY, "名称" text);
    INSERT INTO "企业" SELECT g, '企业' || g FROM generate_series(1, 40) g"""


def test_a_log_is_followed_from_the_page_the_api_and_the_terminal(
    office: Any, desk: Callable[..., Any], logical_url: str
) -> None:
    url = sa.make_url(logical_url)
    source = sa.create_engine(url, poolclass=sa.NullPool)

    def sql(statement: str) -> None:
        with source.begin() as connection:
            connection.execute(sa.text(statement))

    sql(TABLE)
    steward = desk("steward")
    folder = str(url.query["host"])
    desk("sec_admin").post("/console/targets", {"folder": folder, "uses": "read", "reason": "企业库"})
    form = {
        "kind": "postgresql", "name": "企业库", "option:host": folder, "option:database": url.database,
        "option:user": url.username, "option:tls": "off",
    }  # fmt: skip
    words = {"feed": "public.企业", "table": "企业登记", "key": "编号", "mode": SyncMode.CAPTURE.value}
    place = steward.post("/console/sources", form).headers["location"]
    sync = steward.post(f"{place}/take", words).headers["location"]
    assert "落后秒数" not in steward.get(sync).text, "there is no position yet"
    run = steward.post(f"{sync}/run").headers["location"]
    office.jobs.wait(office.ingest.run(SYSTEM, run.rsplit("/", 1)[1]).job_id)
    assert "落后秒数" in steward.get(sync).text

    api = steward.client
    number = sync.rsplit("/", 1)[1]
    lag = api.get(f"/api/v1/syncs/{number}/lag").json()
    assert (lag["begun"], lag["warnings"]) == (True, [])
    headers = {"Origin": "https://testserver", "X-CSRF-Token": steward.token()}
    assert api.post(f"/api/v1/syncs/{number}/follow", headers=headers).json() == {"run": None}
    sql('DELETE FROM "企业" WHERE "编号" = 1')
    told = api.post(f"/api/v1/syncs/{number}/follow", headers=headers).json()["run"]
    office.jobs.wait(office.ingest.run(SYSTEM, told["id"]).job_id)
    assert office.tables.get(SYSTEM, "企业登记").rows == 39
    assert "由来源的日志得出" in steward.get(sync).text

    sql("""UPDATE "企业" SET "名称" = '改' WHERE "编号" = 2""")
    group = typer.Typer()
    add_captures(group, lambda: office.captures)
    set_style(as_json=True, language=Language.ZH)
    try:
        followed = CliRunner().invoke(group, ["follow", "企业登记", "--every", "0.1", "--for", "3"])
        assert json.loads(followed.stdout)["report"]["rows_changed"] == 1, followed.output
        assert json.loads(CliRunner().invoke(group, ["lag", "企业登记"]).stdout)["lag_bytes"] >= 0
    finally:
        set_style(as_json=False, language=Language.ZH)
    assert office.captures.left_behind() == []

    assert "请先停止" in steward.get(steward.post(f"{place}/remove").headers["location"]).text
    steward.post(f"{sync}/leave")
    with source.connect() as connection:
        slots = sa.text("SELECT count(*) FROM pg_replication_slots WHERE database = current_database()")
        assert connection.execute(slots).scalar() == 0, "nothing is left behind at the source"
    steward.post(f"{place}/remove")
    source.dispose()
