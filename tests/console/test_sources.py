"""Sources in the console: the security administrator opens the way, a steward connects, takes, runs and sees the proof."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from beijiang.kit import SYSTEM

PASSWORD = "open-sesame-4711"


@pytest.fixture
def students(postgres_url: str) -> sa.URL:
    url = sa.make_url(postgres_url)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text('CREATE TABLE "学生" ("学号" text PRIMARY KEY, "姓名" text)'))
        connection.execute(sa.text("""COMMENT ON TABLE "学生" IS '在校学生'"""))
        connection.execute(sa.text("""INSERT INTO "学生" SELECT g::text, '学生' || g FROM generate_series(1, 30) g"""))
    engine.dispose()
    return url


def test_from_an_open_target_to_a_proof(office: Any, desk: Callable[..., Any], students: sa.URL) -> None:
    security, steward = desk("sec_admin"), desk("steward")
    folder = str(students.query["host"])
    opened = security.post("/console/targets", {"folder": folder, "uses": "read", "reason": "学籍库"})
    assert opened.headers["location"] == "/console/targets"
    assert folder in security.get("/console/targets").text
    org = office.access.organisations()[0]
    narrow = {"host": "db.inner", "port": "5432", "network": "10.6.1.20/32", "uses": ["push", "call"], "org": org.id}
    security.post("/console/targets", {**narrow, "plain_http": "true", "reason": "业务库"})
    shown = security.get("/console/targets").text
    assert all(word in shown for word in ("推送数据", "调用服务", "明文 http", org.short))
    made = office.sources.targets(SYSTEM)[0]
    assert (made.uses, made.org_id, made.plain_http) == (("call", "push"), org.id, True)
    office.sources.close_target(SYSTEM, made.id)
    before = len(office.sources.targets(SYSTEM))
    security.post("/console/targets", {"folder": folder, "reason": "没有用途"})
    assert len(office.sources.targets(SYSTEM)) == before, "a use has to be ticked"

    form = {
        "kind": "postgresql", "name": "学籍库", "option:host": folder, "option:database": students.database,
        "option:user": students.username, "option:password": PASSWORD, "option:tls": "off",
    }  # fmt: skip
    place = steward.post("/console/sources", form).headers["location"]
    page = steward.get(place).text
    assert "连接正常" in page
    assert "在校学生" in page
    assert PASSWORD not in page
    assert "password" in page, "that it is set is said"

    feed = re.search(rf'{place}\?feed=([^"]+)', page)
    assert feed is not None
    assert "学号" in steward.get(f"{place}?feed={feed[1]}").text
    sync = steward.post(f"{place}/take", {"feed": "public.学生", "table": "在校学生", "key": "学号"}).headers[
        "location"
    ]
    assert "建立新表" in steward.get(sync).text
    run = steward.post(f"{sync}/run").headers["location"]
    office.jobs.wait(office.ingest.run(SYSTEM, run.rsplit("/", 1)[1]).job_id)
    assert "核对证明" in steward.get(run).text
    page = steward.get(sync).text
    assert "一致" in page
    assert "30" in page
    assert steward.post(f"{sync}/verify").headers["location"] == sync
    for job in office.sources.verifications(SYSTEM, sync.rsplit("/", 1)[1]):
        assert "核对" in steward.get(sync).text
        office.jobs.wait(job.id)
    assert steward.get(f"{sync}/verification").headers["hx-refresh"] == "true"
    assert "整表核对" in steward.get(sync).text
    steward.post(f"{sync}/leave")
    assert "学籍库" in steward.get("/console/sources").text
    steward.post(f"{place}/remove")
    assert "还没有数据源" in steward.get("/console/sources").text
    assert office.tables.get(SYSTEM, "在校学生").rows == 30


def test_a_source_that_is_not_open_says_whom_to_ask(desk: Callable[..., Any], tmp_path: Path) -> None:
    steward = desk("steward")
    form = {
        "kind": "postgresql",
        "name": "别处",
        "option:host": "127.0.0.1",
        "option:database": "x",
        "option:user": "x",
    }
    place = steward.post("/console/sources", form).headers["location"]
    assert "安全管理员登记" in steward.get(place).text
    steward.post(f"{place}/remove")


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        ("steward", "/console/sources", 200), ("org_reviewer", "/console/sources", 200), ("analyst", "/console/sources", 403),
        ("sec_admin", "/console/sources", 403), ("sec_admin", "/console/targets", 200), ("steward", "/console/targets", 403),
        ("sys_admin", "/console/targets", 403), ("audit_admin", "/console/targets", 403),
    ],
)  # fmt: skip
def test_who_may_open_which_page(desk: Callable[..., Any], role: str, path: str, status: int) -> None:
    assert desk(role).get(path).status_code == status


def test_the_platforms_own_people_cannot_open_a_way_for_themselves(desk: Callable[..., Any]) -> None:
    for role in ("steward", "sys_admin", "audit_admin", "bureau_reviewer"):
        answer = desk(role).post("/console/targets", {"folder": "/etc", "reason": "看看"})
        assert answer.status_code in {303, 403}
    assert "/etc" not in desk("sec_admin").get("/console/targets").text
