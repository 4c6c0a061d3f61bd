"""Harvests through the terminal, the API and the console; trust, data of distributions, and a harvest that is killed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from beijiang.access import PersonDraft, Role
from beijiang.app import create_app
from beijiang.build import build
from beijiang.catalog import State
from beijiang.ingest import HarvestState, MapKind, MapRule, OutcomeKind, RunState, SourceDraft
from beijiang.kit import SYSTEM, Actor, Conflict, Denied, Invalid, NotFound
from beijiang.outbound import Target
from beijiang.settings import Settings
from nursery import Child, run
from waiting import until

from .conftest import ORG, Bureau, Portal, package


def person(bureau: Bureau, login: str, org: str, *roles: Role) -> Actor:
    access = bureau.platform.access
    try:
        return access.actor_for_person(login)
    except NotFound:
        access.add_person(SYSTEM, PersonDraft(login=login, name=login, org_id=org, roles=frozenset(roles)))
        return access.actor_for_person(login)


def resource_of(bureau: Bureau, source: str, guid: str) -> Any:
    found = bureau.platform.harvests.record(SYSTEM, source, guid)
    assert found.resource_id is not None
    return bureau.platform.catalog.get(SYSTEM, found.resource_id)


def test_data_of_a_distribution_come_once_and_again_when_they_change(bureau: Bureau) -> None:
    harvests, portal = bureau.platform.harvests, bureau.portal
    csv = "编号,名称\n1,一中\n2,二中\n".encode()
    portal.files["/files/a.csv"] = (200, csv, {"Content-Type": "text/csv", "ETag": '"1"'})
    url, inner, page = f"{portal.url}/files/a.csv", "http://127.0.0.1:9/x.csv", f"{portal.url}/login"
    portal.files["/login"] = (200, b"<html>", {"Content-Type": "text/html; charset=utf-8"})
    files = [{"url": u, "format": "CSV", "name": "表"} for u in (url, inner, page)]
    portal.packages = [package(7001, resources=files), package(7002, resources=files)]
    source = bureau.source(key="k-4711")
    assert bureau.counts(source)["added"] == 2
    with pytest.raises(Invalid):
        harvests.follow(SYSTEM, source, "pkg-07001", "http://example.cn/other.csv", "别的")
    harvests.follow(SYSTEM, source, "pkg-07001", url, "采集学校")
    with pytest.raises(Conflict):
        harvests.follow(SYSTEM, source, "pkg-07002", url, "采集学校")
    harvests.follow(SYSTEM, source, "pkg-07002", inner, "内网的表")

    job = bureau.platform.jobs.run_inline(harvests.fetch(SYSTEM, source))
    assert job.error is None, job.error
    good, bad = harvests.files(SYSTEM, source)
    assert bad.error is not None
    assert bad.error["code"] == "target_not_allowed", "an address inside is refused, and the others go on"
    assert good.run_id is not None
    assert bureau.platform.ingest.wait(SYSTEM, good.run_id).state is RunState.COMMITTED
    resource = resource_of(bureau, source, "pkg-07001")
    assert resource.table == "采集学校"
    assert (resource.facts.rows, [i.name for i in resource.entry.items]) == (2, ["编号", "名称"])
    assert resource.entry.name.startswith("学校名录 7001"), (
        "the table describes the harvested entry, not one of its own"
    )
    asked = [h for path, _, h in portal.asked if path == "/files/a.csv"]
    assert asked[-1]["authorization"] == "k-4711", "the key goes to the catalog's own host"

    assert bureau.counts(source)["unchanged"] == 2
    assert [h.get("if-none-match") for path, _, h in portal.asked if path == "/files/a.csv"][-1] == '"1"'
    assert harvests.files(SYSTEM, source)[0].run_id == good.run_id, "what did not change is not taken again"
    portal.files["/files/a.csv"] = (200, csv + "3,三中\n".encode(), {"Content-Type": "text/csv", "ETag": '"2"'})
    bureau.counts(source)
    again = harvests.files(SYSTEM, source)[0].run_id
    assert again not in {None, good.run_id}
    bureau.platform.ingest.wait(SYSTEM, str(again))
    assert bureau.platform.tables.get(SYSTEM, "采集学校").rows == 3
    for reply, code in (((404, b"", {}), "distribution_gone"), ((500, b"", {}), "distribution_unavailable"),
                        (portal.files["/login"], "distribution_is_a_page")):  # fmt: skip
        portal.files["/files/a.csv"] = reply
        bureau.platform.jobs.run_inline(harvests.fetch(SYSTEM, source))
        assert (harvests.files(SYSTEM, source)[0].error or {})["code"] == code
    assert bureau.platform.tables.get(SYSTEM, "采集学校").rows == 3, "a broken address empties no table"
    harvests.unfollow(SYSTEM, source, bad.id)
    assert len(harvests.files(SYSTEM, source)) == 1


def test_a_trusted_source_is_published_in_somebodys_name_and_taken_offline_when_it_is_gone(bureau: Bureau) -> None:
    harvests, catalog = bureau.platform.harvests, bureau.platform.catalog
    steward = person(bureau, "st", ORG, Role.STEWARD)
    publisher = person(bureau, "pub", "bigdata", Role.BUREAU_REVIEWER, Role.BUREAU_PUBLISHER)
    files = [{"url": "https://data.example.cn/a.json", "format": "JSON", "name": "公报"}]
    bureau.portal.packages = [
        package(8001, resources=files),
        package(8002, resources=files, license_id="houserules", license_title=""),
    ]
    source = bureau.source()
    with pytest.raises(Denied):
        harvests.trust(steward, source, trusted=True)
    assert harvests.trust(publisher, source, trusted=True).trusted_by == "pub"
    done = harvests.wait(steward, harvests.run(steward, source))
    assert (done.counts["added"], done.counts["released"], done.counts["waiting"]) == (2, 1, 1), done.to_json()
    waiting = harvests.outcomes(steward, done.id, kind=OutcomeKind.WAITING)
    assert waiting[0].guid == "pkg-08002"
    assert waiting[0].reason is not None, "why it waits is said"
    published = resource_of(bureau, source, "pkg-08001")
    assert published.state is State.PUBLISHED
    assert published.approved_by == publisher.id
    assert resource_of(bureau, source, "pkg-08002").state is State.DRAFT

    harvests.withdraw_after(steward, source, 2)
    bureau.portal.packages = bureau.portal.packages[1:]
    assert bureau.counts(source)["vanished"] == 1
    assert catalog.get(SYSTEM, published.id).state is State.PUBLISHED, "once may be a mistake"
    assert bureau.counts(source)["withdrawn"] == 1
    gone = catalog.get(SYSTEM, published.id)
    assert gone.state is State.UNPUBLISHED
    assert "连续 2 次" in gone.reasons[0]
    assert harvests.trust(publisher, source, trusted=False).trusted_by == ""


def test_trust_in_a_catalog_ends_when_somebody_else_changes_it(bureau: Bureau) -> None:
    platform, harvests = bureau.platform, bureau.platform.harvests
    steward = person(bureau, "st", ORG, Role.STEWARD)
    publisher = person(bureau, "pub", "bigdata", Role.BUREAU_REVIEWER, Role.BUREAU_PUBLISHER)
    files = [{"url": "https://data.example.cn/a.json", "format": "JSON", "name": "公报"}]
    bureau.portal.packages = [package(8101, resources=files, license_id="houserules", license_title="")]
    source = bureau.source()
    harvests.trust(publisher, source, trusted=True)
    harvests.wait(steward, harvests.run(steward, source))
    harvests.decide(steward, source, MapRule(kind=MapKind.THEME, value="Zz", target="211001", decided_by=""))
    platform.sources.change(steward, source, {"page": 10})
    assert harvests.setup(steward, source).trusted_by == "pub", "nothing changed that was vouched for"

    harvests.decide(
        steward, source, MapRule(kind=MapKind.LICENCE, value="houserules", target="CC-BY-4.0", decided_by="")
    )
    assert harvests.setup(steward, source).trusted_by == ""
    done = harvests.wait(steward, harvests.run(steward, source))
    assert done.counts.get("released", 0) == 0, done.to_json()
    assert resource_of(bureau, source, "pkg-08101").state is State.DRAFT

    harvests.trust(publisher, source, trusted=True)
    platform.sources.change(steward, source, {"page": 11})
    assert harvests.setup(steward, source).trusted_by == ""
    bureau.portal.packages = [package(8102, resources=files)]
    assert "released" not in bureau.counts(source)


def test_the_console_shows_runs_records_failures_and_words(bureau: Bureau) -> None:
    platform, portal = bureau.platform, bureau.portal
    portal.packages = [package(n, groups=[{"title": "Zzz"}]) for n in range(9001, 9013)]
    portal.packages[2]["title"] = portal.packages[2]["name"] = ""
    portal.packages[3]["title"] = "<script>alert(1)</script>名"
    source = bureau.source()
    steward_code = platform.access.add_person(
        SYSTEM, PersonDraft(login="page", name="某专员", org_id=ORG, roles=frozenset({Role.STEWARD}))
    )[1]
    origin = platform.settings.public_url.rstrip("/")
    with TestClient(create_app(platform), base_url=origin, follow_redirects=False) as browser:
        fresh = platform.access.sign_in("page", steward_code, "t")
        platform.access.sign_out(
            platform.access.change_password(fresh.actor, steward_code, "Steppe-under-sky-26").token
        )

        def get(path: str) -> str:
            answer = browser.get(path, headers={"Accept": "text/html"})
            assert answer.status_code == 200, (path, answer.text[:500])
            return str(answer.text)

        def post(path: str, **data: str) -> str:
            found = re.search(r'<meta name="csrf" content="([^"]+)">', get("/console/sign-in"))
            token = found[1] if found else ""
            sent = browser.post(path, data={**data, "_csrf": token}, headers={"Accept": "text/html", "Origin": origin})
            assert sent.status_code == 303, (path, sent.text[:500])
            return str(sent.headers["location"])

        post("/console/sign-in", login="page", password="Steppe-under-sky-26", target="/console")
        home = re.search(r'href="(/console/harvests/src_[^"]+)">' + source, get("/console/harvests"))
        assert home is not None
        assert "学校名录 9001" in get(f"{home[1]}/plan")
        run = post(f"{home[1]}/run")
        platform.harvests.wait(SYSTEM, run.rsplit("/", 1)[1])
        page = get(run)
        assert "记录没有名称" in page
        assert "已完成" in page
        assert "<script>alert" not in page
        assert "记录没有名称" in get(f"{run}?kind=failed")
        assert "record_no_title" in get(f"{run}/report")
        assert "学校名录 9005" in get(f"{home[1]}?search=9005")
        assert "学校名录 9005" not in get(f"{home[1]}?state=failed")
        record = get(f"{home[1]}/record?guid=pkg-09005")
        assert "school-9005" in record
        assert "127.0.0.1:1/files/9005.csv" in record
        assert post(f"{home[1]}/words", kind="theme", value="Zzz", target="211001").endswith("tab=words")
        assert "某专员" in get(f"{home[1]}?tab=words")
        assert post(f"{home[1]}/follow", guid="pkg-09005", url="http://127.0.0.1:1/files/9005.csv", table="页面取数")
        assert "页面取数" in get(f"{home[1]}?tab=files")
        post(f"{home[1]}/fetch")
        post(f"{home[1]}/setup", withdraw_after="5")
        post(f"{home[1]}/trust", trusted="yes")
        assert not platform.harvests.setup(SYSTEM, source).trusted_by, "a steward vouches for nothing"
        assert "连续" in get(home[1])
        get(f"{home[1]}?tab=runs")
        entry = platform.harvests.record(SYSTEM, source, "pkg-09005").resource_id
        assert "127.0.0.1:1/files/9005.csv" in get(f"/console/catalog/{entry}")
        post(f"{run}/cancel")
        assert browser.get("/console/harvests/none", headers={"Accept": "text/html"}).status_code == 404
        _api(browser, source, run.rsplit("/", 1)[1])


def _api(browser: TestClient, source: str, run: str) -> None:
    base = f"/api/v1/sources/{source}/harvest"
    assert browser.get(f"{base}/records?state=failed").json()["records"][0]["reason"]["code"] == "record_no_title"
    assert browser.get(f"{base}/record?guid=pkg-09006").json()["landed"]["place"] == 5
    assert browser.get(f"{base}/original?guid=pkg-09006").json()["name"] == "school-9006"
    assert browser.get(f"{base}/plan").json()["counts"]["changed"] == 11
    assert {w["kind"] for w in browser.get(f"{base}/words").json()["words"]} == {
        "cycle",
        "licence",
        "provider",
        "theme",
    }
    assert browser.get(f"{base}/files").json()["files"][0]["table"] == "页面取数"
    assert browser.get(f"{base}/setup").json() == {"trusted_by": "", "withdraw_after": 5}
    assert browser.get(f"/api/v1/harvests/{run}").json()["counts"]["failed"] == 1
    assert browser.get("/api/v1/harvests").json()["harvests"]
    assert len(browser.get(f"/api/v1/harvests/{run}/outcomes?kind=added").json()["outcomes"]) == 11
    assert browser.get(f"/api/v1/harvests/{run}/report.csv").text.count("\n") == 13
    assert browser.get("/api/v1/harvests/hrv_none").status_code == 404


def _beijiang(home: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "beijiang.cli", "--home", str(home), "--json", *words]


def test_a_killed_harvest_goes_on_and_nothing_counts_twice(portal: Portal, folder: Path) -> None:
    portal.reset()
    portal.packages = [package(n) for n in range(1, 201)]
    home = folder / "home"
    built = build(Settings.for_tests(folder))
    built.first_start()
    built.sources.allow(SYSTEM, Target(host="127.0.0.1", port=portal.port, network="127.0.0.0/8"), "测试目录")
    options = {"url": portal.url, "page": 10}
    built.sources.add(SYSTEM, SourceDraft(name="对方", kind="ckan", org_id=ORG, options=options))
    built.close()
    env = {**os.environ, "BEIJIANG_HOME": str(home)}
    over = threading.Event()
    for stop_at in (60, 130):

        def stall(_path: str, query: dict[str, str], at: int = stop_at) -> None:
            if int(query["start"]) >= at:
                over.wait(240)

        portal.fault = stall
        process = Child(
            _beijiang(home, "ingest", "harvest", "run", "对方"),
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

        def reached(at: int = stop_at, process: Child = process) -> bool:
            assert process.poll() is None
            return any(q.get("start") == str(at) for _, q, _ in portal.asked)

        until(reached)
        process.kill()
        process.wait()
    portal.fault, portal.asked = None, []
    over.set()
    done = run(
        _beijiang(home, "ingest", "harvest", "run", "对方"),
        env=env,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert (told["state"], told["counts"]["seen"], told["counts"]["added"]) == ("done", 200, 200)
    assert min(int(q["start"]) for _, q, _ in portal.asked) == 130, "pages that were committed are not asked for again"
    built = build(Settings.for_tests(folder))
    records = built.harvests.records(SYSTEM, "对方", limit=1000)
    assert len({r.resource_id for r in records}) == len(records) == 200
    assert len(built.catalog.list(SYSTEM, limit=10_000)) == 200
    assert built.harvests.runs(SYSTEM)[0].state is HarvestState.DONE
    shown = run(
        _beijiang(home, "ingest", "harvest", "records", "对方", "--search", "名录 77"),
        env=env,
        timeout=300,
        check=True,
    )
    assert [r["guid"] for r in json.loads(shown.stdout)] == ["pkg-00077"]
    built.close()
