"""A legal hold keeps what it names from every erasure until two persons lift it; and every deleter in the source asks it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from typer.testing import CliRunner

import beijiang
from beijiang.access import PersonDraft, Role
from beijiang.app import create_app
from beijiang.build import Platform, build
from beijiang.evidence.commands import holds
from beijiang.evidence.models.holds import HoldDraft, HoldKind, HoldState
from beijiang.kit import SYSTEM, Actor, ActorKind, Conflict, Denied, FixedClock, Invalid, NotFound
from beijiang.settings import Settings

GUARD = Actor(id="per_sec", name="安全", kind=ActorKind.PERSON, roles=frozenset({Role.SEC_ADMIN}))
AUDITOR = Actor(id="per_audit", name="审计", kind=ActorKind.PERSON, roles=frozenset({Role.AUDIT_ADMIN}))
DOER = Actor(id="per_7", name="王丽", kind=ActorKind.PERSON, org_id="health", roles=frozenset({"steward"}))
LATER = datetime(2032, 1, 1, tzinfo=UTC)
DRAFT = HoldDraft(HoldKind.PERSON, DOER.id, "某监察委立案通知 2026-7")


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 3, 10, 2, 0, tzinfo=UTC))


@pytest.fixture
def platform(tmp_path: Path, clock: FixedClock) -> Iterator[Platform]:
    built = build(Settings.for_tests(tmp_path), clock)
    built.first_start()
    yield built
    built.close()


def noted(platform: Any, target: str, actor: Actor = DOER) -> None:
    platform.evidence.note(actor, "catalog.note", target=target, detail={"n": 1})


def bodies(platform: Any, target: str) -> list[str]:
    with platform.db.read() as connection:
        found = connection.execute(
            text("SELECT body FROM evidence_record WHERE action = 'catalog.note' AND target = :t"), {"t": target}
        )
        return list(found.scalars())


def test_what_a_hold_names_is_kept_past_every_clock_until_two_persons_lift_it(platform: Any, clock: FixedClock) -> None:
    noted(platform, "表一")
    noted(platform, "表二", SYSTEM)
    noted(platform, "表三", SYSTEM)
    person = platform.holds.ask(GUARD, DRAFT)
    table = platform.holds.ask(GUARD, HoldDraft(HoldKind.TABLE, "表二", "同上"))
    wrong = platform.holds.ask(GUARD, HoldDraft(HoldKind.TABLE, "表二 ", "同上"))
    later = platform.holds.ask(GUARD, HoldDraft(HoldKind.TABLE, "表贰", "同上", to_come=True))
    assert [one.records for one in (person, table, wrong, later)] == [1, 1, 1, 0], "a name that holds nothing says so"
    assert {one.id: one.records for one in platform.holds.all(GUARD)}[later.id] == 0
    platform.holds.confirm(AUDITOR, wrong.id, agree=False)
    clock.at = LATER
    with pytest.raises(Conflict) as held:
        platform.retention.erase(GUARD, "清理", subject=DOER.id)
    assert held.value.reason == "legal_hold"
    platform.retention.erase(GUARD, "清理")
    assert all(bodies(platform, "表一")), "it keeps from the moment that it is asked for"
    assert all(bodies(platform, "表二"))
    assert bodies(platform, "表三") == [], "what nobody holds goes, its target too"
    with pytest.raises(Denied) as alone:
        platform.holds.confirm(GUARD, person.id)
    assert alone.value.reason == "second_person"
    confirmed = platform.holds.confirm(AUDITOR, person.id)
    assert (confirmed.state, confirmed.records) == (HoldState.HOLDS, 1)
    assert platform.holds.confirm(AUDITOR, table.id, agree=False).state is HoldState.DECLINED
    platform.retention.erase(GUARD, "清理")
    assert all(bodies(platform, "表一"))
    assert bodies(platform, "表二") == []
    with pytest.raises(Invalid):
        platform.holds.ask_lift(AUDITOR, person.id, " ")
    platform.holds.ask_lift(AUDITOR, person.id, "结案通知 2032-1")
    with pytest.raises(Denied):
        platform.holds.confirm_lift(AUDITOR, person.id)
    platform.retention.erase(GUARD, "清理")
    assert all(bodies(platform, "表一")), "it keeps until the second person agrees"
    assert platform.holds.confirm_lift(GUARD, person.id, agree=False).state is HoldState.HOLDS
    shown = platform.holds.ask_lift(AUDITOR, person.id, "结案通知 2032-1").shown.token
    platform.holds.confirm_lift(GUARD, person.id, agree=False)
    again = platform.holds.ask_lift(AUDITOR, person.id, "口头要求")
    with pytest.raises(Conflict) as other:
        platform.holds.confirm_lift(GUARD, person.id, seen=shown)
    assert (other.value.reason, other.value.detail["changed"]) == ("changed_since_seen", ["basis of its end"])
    assert platform.holds.held().people, "it keeps"
    assert platform.holds.confirm_lift(GUARD, person.id, seen=again.shown.token).state is HoldState.LIFTED
    with pytest.raises(Conflict):
        platform.holds.confirm_lift(GUARD, person.id)
    platform.retention.erase(GUARD, "清理")
    assert bodies(platform, "表一") == []
    assert not platform.evidence.check().problems


def test_only_the_administrators_of_security_and_audit_hold_and_no_program_does(platform: Any) -> None:
    for who in (DOER, SYSTEM):
        with pytest.raises(Denied):
            platform.holds.ask(who, DRAFT)
    with pytest.raises(Invalid):
        platform.holds.ask(GUARD, HoldDraft(HoldKind.TABLE, "表一", ""))
    with pytest.raises(NotFound):
        platform.holds.confirm(GUARD, "hld_none")


def test_every_step_is_on_record_and_at_the_doors(platform: Any) -> None:
    access = platform.access
    for login, role in (("guard", Role.SEC_ADMIN), ("audit", Role.AUDIT_ADMIN)):
        access.add_person(SYSTEM, PersonDraft(login=login, name=login, roles=frozenset({role})))
    group = holds(lambda: platform.holds, access.actor_for_person)
    asked = CliRunner().invoke(group, ["ask", "table", "表一", "--basis", "立案通知", "--to-come", "--as", "guard"])
    assert asked.exit_code == 0, asked.output
    (one,) = platform.holds.all(AUDITOR)
    assert CliRunner().invoke(group, ["confirm", one.id, "--as", "audit"]).exit_code == 0
    assert one.id in CliRunner().invoke(group, ["list", "--as", "audit"]).output
    assert CliRunner().invoke(group, ["lift", one.id, "--basis", "结案", "--as", "guard"]).exit_code == 0
    blind = CliRunner().invoke(group, ["confirm-lift", one.id, "--as", "audit"], input="n\n")
    assert blind.exit_code == 1
    assert "结案" in blind.output, "it is shown before it is asked"
    assert CliRunner().invoke(group, ["confirm-lift", one.id, "--as", "audit"], input="y\n").exit_code == 0
    with platform.db.read() as connection:
        actions = connection.execute(
            text("SELECT action FROM evidence_record WHERE target = :t ORDER BY sequence"), {"t": one.id}
        )
        steps = list(actions.scalars())
    assert steps == [f"evidence.hold_{step}" for step in ("ask", "confirm", "lift_ask", "lift")]
    visitor = TestClient(create_app(platform), base_url="https://testserver")
    assert visitor.get("/api/v1/evidence/holds").status_code == 401
    assert visitor.post("/api/v1/evidence/holds", json={"kind": "table", "name": "x", "basis": "y"}).status_code == 401


def test_a_name_that_nothing_has_is_refused_with_the_nearest(platform: Any, clock: FixedClock) -> None:
    access = platform.access
    people = {}
    for login, role in (("guard", Role.SEC_ADMIN), ("audit", Role.AUDIT_ADMIN), ("wangli", Role.STEWARD)):
        org = "health" if role is Role.STEWARD else None
        people[login], _ = access.add_person(
            SYSTEM, PersonDraft(login=login, name=f"{login} 某", org_id=org, roles=frozenset({role}))
        )
    noted(platform, "contract:con_123", SYSTEM)

    def nearest(kind: HoldKind, name: str) -> object:
        with pytest.raises(Invalid) as refused:
            platform.holds.ask(GUARD, HoldDraft(kind, name, "立案通知"))
        assert refused.value.reason == "hold_unknown"
        return refused.value.detail["nearest"]

    assert nearest(HoldKind.PERSON, "wangli") == [people["wangli"].id], "a login is not what the log has"
    assert nearest(HoldKind.PERSON, "wangli 某") == [people["wangli"].id]
    namesakes = {
        access.add_person(SYSTEM, PersonDraft(login=login, name="王丽", org_id=org, roles=frozenset({Role.STEWARD})))[
            0
        ].id: f"{login}，{access.organisation(org).name_zh}"
        for login, org in (("wl1", "health"), ("wl2", "education"))
    }
    with pytest.raises(Invalid) as asked:
        platform.holds.ask(GUARD, HoldDraft(HoldKind.PERSON, "王丽", "立案通知"))
    assert asked.value.detail == {"name": "王丽", "nearest": [*namesakes], "told": namesakes}
    for one, told in namesakes.items():
        assert f"{one}（{told}）" in asked.value.text.zh, "who asks can tell the two apart"
    assert nearest(HoldKind.TARGET, "contract:con_132") == ["contract:con_123"]
    assert nearest(HoldKind.TABLE, "没有的表") == []
    assert platform.holds.all(GUARD) == []
    kept = platform.holds.ask(GUARD, HoldDraft(HoldKind.PERSON, people["wangli"].id, "立案通知"))
    assert kept.records == 0, "a person who did nothing yet is a person"
    later = platform.holds.ask(GUARD, HoldDraft(HoldKind.TABLE, "没有的表", "立案通知", to_come=True))
    with platform.db.read() as connection:
        body = connection.execute(text("SELECT body FROM evidence_record WHERE target = :t"), {"t": later.id})
        assert "to_come" in body.scalar_one()
    group = holds(lambda: platform.holds, access.actor_for_person)
    refused = CliRunner().invoke(group, ["ask", "person", "wangli", "--basis", "立案通知", "--as", "guard"])
    assert people["wangli"].id in str(refused.exception), "the nearest name is told"


def calls(name: str) -> dict[str, list[str]]:
    """Return where a method of this name is called in the source: the file, and the functions that call it."""
    root = Path(beijiang.__file__).parent
    found: dict[str, list[str]] = {}
    for path in root.rglob("*.py"):
        text = path.read_text()
        for node in ast.walk(ast.parse(text)) if name in text else ():
            if not isinstance(node, ast.FunctionDef):
                continue
            for inner in ast.walk(node):
                if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr == name:
                    found.setdefault(str(path.relative_to(root)), []).append(ast.unparse(node))
    return found


def test_every_deleter_of_evidence_versions_and_quarantine_asks_for_holds() -> None:
    erasing = {
        file: bodies for file, bodies in calls("erase").items() if "/commands/" not in file and "/routes/" not in file
    }
    assert set(erasing) == {"evidence/service/retention.py"}
    assert all(".free(" in body for body in erasing["evidence/service/retention.py"] if "EvidenceStore" in body)
    for gone in ("vacuum", "cleanup_metadata"):
        assert calls(gone) == {}, "versions of tables are never removed; whoever begins to must ask Holds"
    quarantines = [
        body
        for file, found in calls("unlink").items()
        if file.startswith("ingest/")
        for body in found
        if ".quarantine(" in body
    ]
    assert quarantines
    assert all(".keeps(" in body for body in quarantines)
    store = Path(beijiang.__file__).parent / "evidence" / "store" / "records.py"
    assert "delete(" not in store.read_text()
