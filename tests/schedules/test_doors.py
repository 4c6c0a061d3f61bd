"""The same verbs over HTTP: made, previewed, rested, watched and answered by the people of a department and nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from beijiang.access import KeyDraft, Permission, PersonDraft, Role
from beijiang.app import create_app
from beijiang.kit import SYSTEM

PASSWORD = "Steppe-under-a-wide-sky-26"


@pytest.fixture
def client(office: Any) -> Iterator[TestClient]:
    scopes = frozenset(
        {
            Permission.INGEST_ALERT_ACKNOWLEDGE, Permission.INGEST_RUN_READ, Permission.INGEST_RUN_SUBMIT,
            Permission.INGEST_SOURCE_MANAGE, Permission.INGEST_SOURCE_READ, Permission.JOBS_JOB_SUBMIT,
            Permission.TABLES_TABLE_READ_METADATA, Permission.TABLES_TABLE_WRITE,
        }
    )  # fmt: skip
    access = office.platform.access
    draft = PersonDraft(login="wang", name="王专员", org_id="education", roles=frozenset({Role.STEWARD}))
    _, code = access.add_person(SYSTEM, draft)
    fresh = access.sign_in("wang", code, "tests")
    signed = access.change_password(fresh.actor, code, PASSWORD)
    _, secret = access.issue_key(signed.actor, KeyDraft(name="计划", scopes=scopes, days=1))
    with TestClient(create_app(office.platform), base_url="https://testserver") as opened:
        opened.headers["Authorization"] = f"Bearer {secret}"
        yield opened


def in_person(client: TestClient, method: str, path: str, body: Any = None) -> Any:
    """Ask as somebody who signed in, since a key answers for no schedule; first see the key refused."""
    refused = client.request(method, path, json=body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "person_needed")
    with TestClient(client.app, base_url="https://testserver") as browser:
        own = {"Origin": "https://testserver"}
        signed = browser.post("/api/v1/session", json={"name": "wang", "password": PASSWORD}, headers=own)
        headers = {**own, "X-CSRF-Token": signed.json()["csrf"]}
        return browser.request(method, path, json=body, headers=headers)


def test_schedules_limits_promises_and_alerts_over_http(office: Any, client: TestClient) -> None:
    timing = {"kind": "working_days", "at": ["06:30"]}
    told = client.post("/api/v1/schedules/preview", json=timing).json()
    assert (told["text"]["zh"], told["next"][0], len(told["next"])) == (
        "每个工作日 06:30", "2025-09-25T22:30:00+00:00", 5,
    )  # fmt: skip
    wrong = client.post("/api/v1/schedules/preview", json={"kind": "daily"})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (422, "bad_timing")
    made = in_person(client, "POST", "/api/v1/schedules", {"sync": "学生表", "timing": timing}).json()
    assert made["owner"] == "王专员"
    assert made["next_at"] == "2025-09-25T22:30:00+00:00"
    address = f"/api/v1/schedules/{made['id']}"
    changed = in_person(client, "PUT", address, {"timing": {"kind": "every", "minutes": 60}, "retries": 0}).json()
    assert (changed["text"]["en"], changed["retries"]) == ("every hour", 0)
    assert client.post(f"{address}/pause", json={"reason": "x"}).json()["next_at"] is None
    assert in_person(client, "POST", f"{address}/resume").json()["paused"] is None
    office.at("2025-09-25 11:00")
    office.tick()
    office.settle()
    (slot,) = client.get(f"{address}/slots").json()["slots"]
    assert (slot["state"], slot["attempt"], slot["late_seconds"]) == ("done", 1, 0)
    run = client.post(f"{address}/run")
    assert (run.status_code, run.json()["table"]) == (202, "学生表")
    office.settle()
    assert [s["id"] for s in client.get("/api/v1/schedules?sync=学生表").json()["schedules"]] == [made["id"]]
    follower = {"sync": "教师表", "timing": {"kind": "after", "after": ["学生表"]}}
    after = in_person(client, "POST", "/api/v1/schedules", follower).json()
    assert client.get(f"/api/v1/schedules/{after['id']}").json()["waits"]["zh"] == "等待“学生表”取数成功"
    around = {"sync": "学生表", "timing": {"kind": "after", "after": ["教师表"]}}
    circle = in_person(client, "POST", "/api/v1/schedules", around)
    assert (circle.status_code, circle.json()["error"]["code"]) == (409, "schedule_cycle")

    limits = {"at_once": 1, "quiet": [{"start": "08:00", "end": "18:00", "working_days": True}]}
    assert client.put("/api/v1/sources/教育库/limits", json=limits).json() == limits
    assert client.put("/api/v1/sources/教育库/limits", json={"at_once": 2}).json()["quiet"] == []

    promised = client.put("/api/v1/freshness/学校表/promise", json={"minutes": 1}).json()
    assert promised["state"] == "never"
    office.later(hours=2)
    office.platform.freshness.watch()
    (alert,) = client.get("/api/v1/alerts").json()["alerts"]
    assert (alert["kind"], alert["subject"]) == ("freshness_late", "学校表")
    seen = client.post(f"/api/v1/alerts/{alert['id']}/acknowledge", json={"answer": "在办"}).json()
    assert (seen["acknowledged_by"], seen["answer"]) == ("王专员", "在办")
    assert client.get("/api/v1/freshness").json()["tables"][0]["table"] == "学校表", "the worst first"
    assert client.put("/api/v1/freshness/学校表/promise", json={"minutes": 0}).json()["promise"] is None
    office.platform.freshness.watch()
    assert client.get("/api/v1/alerts").json()["alerts"] == []
    assert client.get("/api/v1/alerts?closed=true").json()["alerts"][0]["closed_at"] is not None
    assert client.delete(address).json() == {"removed": made["id"]}
    assert client.get(address).status_code == 404
    client.headers.pop("Authorization")
    for path in ("/api/v1/schedules", "/api/v1/freshness", "/api/v1/alerts"):
        assert client.get(path).status_code == 401
