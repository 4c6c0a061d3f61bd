"""Keeping history in the console: the guided path, the sync's page, the table's page, and a moment of the past."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import sqlalchemy as sa

from beijiang.kit import SYSTEM


def test_from_the_guided_path_to_a_moment_of_the_past(office: Any, desk: Callable[..., Any], postgres_url: str) -> None:
    url = sa.make_url(postgres_url)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text('CREATE TABLE "教师" ("工号" text PRIMARY KEY, "职称" text)'))
        connection.execute(sa.text("""INSERT INTO "教师" VALUES ('1', '讲师'), ('2', '教授')"""))
    security, steward = desk("sec_admin"), desk("steward")
    folder = str(url.query["host"])
    security.post("/console/targets", {"folder": folder, "uses": "read", "reason": "教师库"})
    form = {"kind": "postgresql", "name": "教师库", "option:host": folder, "option:database": url.database, "option:user": url.username, "option:tls": "off"}  # fmt: skip
    tables = steward.post("/console/connect", form).headers["location"]
    source = tables.split("/")[3]
    feed = ("feed", "public.教师")
    page = steward.get(f"/console/connect/{source}/map?{urlencode([feed])}").text
    assert 'name="history:0"' in page
    chosen = [feed, ("table:0", "教师名册"), ("mode:0", "full"), ("history:0", "yes")]
    assert "保留历史需要主键" not in steward.get(f"/console/connect/{source}/plan?{urlencode(chosen)}").text
    chosen.append(("key:0", "工号"))
    plan = steward.get(f"/console/connect/{source}/plan?{urlencode(chosen)}").text
    assert "valid_from" in plan
    assert re.search(r'name="history:0" value="yes" checked', steward.get(f"/console/connect/{source}/map?{urlencode(chosen)}").text)  # fmt: skip
    place = steward.post(f"/console/connect/{source}/run", dict(chosen)).headers["location"]
    sync = parse_qs(urlsplit(place).query)["sync"][0]
    for run in office.ingest.runs(SYSTEM, table="教师名册"):
        office.jobs.wait(run.job_id)
    with engine.begin() as connection:
        connection.execute(sa.text("""UPDATE "教师" SET "职称" = '副教授' WHERE "工号" = '1'"""))
    page = steward.get(f"/console/syncs/{sync}").text
    assert "保留历史" in page
    assert "个成立的状态" in page
    office.jobs.wait(office.ingest.run(SYSTEM, office.sources.run(SYSTEM, sync)).job_id)
    page = steward.get("/console/tables/教师名册").text
    assert "全部状态" in page
    assert ("讲师" in page, "副教授" in page) == (True, True)
    now = steward.get("/console/tables/教师名册?now=yes").text
    assert ("讲师</td>" in now, "副教授</td>" in now) == (False, True)
    assert "保留历史" in steward.get(f"/console/sources/{source}").text
    first = office.tables.history(SYSTEM, "教师名册")[-1].at.isoformat()
    asked = steward.get(f"/console/tables/教师名册/as-of?{urlencode({'at': first})}").headers["location"]
    text = parse_qs(urlsplit(asked).query)["text"][0]
    rows = office.sql.run(SYSTEM, text).rows.to_pylist()
    assert sorted(r["职称"] for r in rows) == ["教授", "讲师"]
    assert steward.get("/console/tables/教师名册/as-of?at=gestern").status_code == 422
    engine.dispose()
