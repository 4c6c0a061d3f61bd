"""The page of legal holds: set by one, confirmed by another, what it keeps, and its end."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from beijiang.evidence import HoldState
from beijiang.kit import SYSTEM

HERE = "/console/holds"


def test_two_persons_set_and_lift_a_hold_on_the_page(desk: Callable[..., Any], office: Any) -> None:
    guard, auditor = desk("sec_admin"), desk("audit_admin")
    office.evidence.note(SYSTEM, "catalog.note", target="保全样表", detail={"n": 1})
    form = {"kind": "target", "name": "保全样裱", "basis": "立案通知 2026-9"}
    refused = guard.get(guard.post(HERE, form).headers["location"]).text
    assert "保全样表" in refused, "the nearest name is told"
    assert 'value="立案通知 2026-9"' in refused, "what was typed is there again"
    guard.post(HERE, {**form, "name": "保全样表"})
    (hold,) = office.holds.all(_security(office))
    mine = guard.get(HERE).text
    assert "由您申请" in mine
    assert f"{HERE}/{hold.id}/confirm" not in mine
    theirs = auditor.get(HERE).text
    assert f'action="{HERE}/{hold.id}/confirm"' in theirs
    assert re.search(r'href="/console/evidence\?target=[^"]+">1</a>', theirs), "what it keeps is one click away"
    assert f"/console/evidence?target={hold.id}" in theirs
    auditor.post(f"{HERE}/{hold.id}/confirm", {"agree": "yes"})
    auditor.post(f"{HERE}/{hold.id}/lift", {"basis": "结案"})
    assert _state(office) is HoldState.LIFTING
    auditor.post(f"{HERE}/{hold.id}/confirm-lift", {"agree": "yes"})
    assert _state(office) is HoldState.LIFTING, "it takes another"
    stale = {"agree": "yes", "seen": _token(guard.get(HERE).text)}
    guard.post(f"{HERE}/{hold.id}/confirm-lift", {"agree": "no"})
    auditor.post(f"{HERE}/{hold.id}/lift", {"basis": "另有原因"})
    told = guard.post(f"{HERE}/{hold.id}/confirm-lift", stale)
    assert "您看过之后内容有变化" in guard.get(told.headers["location"]).text
    guard.post(f"{HERE}/{hold.id}/confirm-lift", {"agree": "yes"})
    assert _state(office) is HoldState.LIFTING, "nothing was decided on what was not seen"
    guard.post(f"{HERE}/{hold.id}/confirm-lift", {"agree": "yes", "seen": _token(guard.get(HERE).text)})
    assert _state(office) is HoldState.LIFTED
    guard.post(HERE, {"kind": "table", "name": "将来的表", "basis": "立案", "to_come": "yes"})
    assert "针对将来" in auditor.get(HERE).text
    steward = desk("steward")
    assert steward.get(HERE).status_code in {403, 404}


def _token(page: str) -> str:
    found = re.search(r'name="seen" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def _security(office: Any) -> Any:
    found = next(one for one in office.access.people(SYSTEM) if "sec_admin" in one.roles)
    return found.as_actor(None)


def _state(office: Any) -> HoldState:
    return next(one.state for one in office.holds.all(_security(office)) if one.name == "保全样表")
