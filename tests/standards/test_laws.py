"""Rules of law and their profiles: changed by proposal and approval, chosen by the authority, and what entries lack by them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient
from typer import Typer
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1] / "quality"))
from quality_bureau import OWNER, Bureau, firm

from beijiang import terminal
from beijiang.build import build
from beijiang.catalog import OpenType, ResourceEdit, ShareMethod, ShareType
from beijiang.kit import BeijiangError, FixedClock, Language
from beijiang.settings import Settings
from beijiang.standards import Action, EntryKind, RuleQuery, Standards, flat_rule
from beijiang.standards.commands import add_laws
from beijiang.standards.routes import laws_router

LIMIT = "share.reply.conditional.809"


@pytest.fixture(scope="module")
def bureau(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bureau]:
    clock = FixedClock(datetime(2026, 3, 10, 4, 0, tzinfo=UTC))
    built = build(Settings.for_tests(tmp_path_factory.mktemp("laws")), clock)
    built.first_start()
    made = Bureau(built, built.settings.home / "staging", clock)
    made.write([firm(n) for n in range(4)])
    built.db.deliver_waiting()
    yield made
    built.close()


def refused(what: Any, *arguments: Any, **words: Any) -> str:
    with pytest.raises(BeijiangError) as error:
        what(*arguments, **words)
    return error.value.reason


def test_packaged_rules_have_a_basis_and_two_profiles_ask_for_fields() -> None:
    standards = Standards()
    rules = standards.rules()
    assert {"guide2017", "reg809", "law", "standard", "project", "reference"} == {rule.profile for rule in rules}
    assert all(rule.basis for rule in rules)
    assert {one.id for one in standards.profiles()} == {"guide2017", "reg809", "nm_local"}
    day = date(2026, 3, 10)
    guide, regulation = (standards.required_fields(p, day) for p in ("guide2017", "reg809"))
    assert set(regulation) - set(guide) == {"level"}
    assert (guide["share_condition"].value, regulation["share_condition"].value) == ("conditional", "mandatory")
    assert standards.required_fields("nm_local", day) == guide
    assert standards.required_fields("reg809", date(2025, 7, 31)) == guide  # the regulation did not hold yet
    assert standards.profile_on("anybody", day).id == "guide2017"


def test_a_rule_changes_by_proposal_and_approval_and_files_bring_many(bureau: Bureau) -> None:
    laws, standards = bureau.platform.registry, bureau.platform.standards
    now = flat_rule(laws.rule(bureau.steward, LIMIT)[1][0])
    assert (now["value"], now["verified"]) == ("10", "false")
    change = laws.change_of(
        bureau.steward, Action.CHANGE, EntryKind.RULE, {**now, "value": "8", "verified": "true", "note": "已核对原文"}
    )
    made = laws.propose(bureau.steward, [change], "与公布文本核对", date(2026, 3, 10))
    told = {d.what.en: (d.before, d.after) for d in laws.differences(bureau.reviewer, made)[0][1]}
    assert told["value"] == ("10", "8")
    assert told["confirmed" if "confirmed" in told else "verified"] == ("false", "true")
    laws.approve(bureau.reviewer, made.id, "同意")
    assert (standards.rule(LIMIT).value, standards.rule(LIMIT).verified) == ("8", True)
    versions = laws.rule(bureau.steward, LIMIT)[1]
    assert [v.edition.version for v in versions] == [2, 1]
    assert versions[1].value == "10"
    for wrong in (
        {"value": "-1"},
        {"unit": "moon"},
        {"profile": "mars"},
        {"kind": "wish"},
        {"effective_from": "soon"},
        {"basis": ""},
    ):
        form = {**flat_rule(versions[0]), **wrong}
        assert (
            refused(
                lambda form=form: laws.propose(
                    bureau.steward, [laws.change_of(bureau.steward, Action.CHANGE, EntryKind.RULE, form)], "试"
                )
            )
            == "registry_field"
        )
    file = laws.export(bureau.steward, EntryKind.RULE)
    planned = laws.plan(bureau.steward, "rules.csv", file)
    assert {one.outcome for one in planned} == {"unchanged"}
    local = file.decode("utf-8-sig").splitlines()
    row = local[1].split(",", 1)[1]
    grown = "\n".join([local[0], f"share.reply.local,{row}"]).replace("guide2017", "nm_local").encode()
    laws.approve(bureau.reviewer, laws.propose_import(bureau.steward, "local.csv", grown, "自治区办法").id)
    assert [one.rule.id for one in laws.rules(bureau.steward, RuleQuery(profile="nm_local"))] == ["share.reply.local"]
    assert {one.rule.verified for one in laws.rules(bureau.steward, RuleQuery(unverified=True))} == {False}
    assert [one.rule.id for one in laws.rules(bureau.steward, RuleQuery(q="重要数据 评估"))] == [
        "risk.assessment.important"
    ]


def test_entries_are_held_against_the_profile_of_their_day(bureau: Bureau) -> None:
    platform, laws = bureau.platform, bureau.platform.registry
    found = platform.catalog.resource_for_table("企业登记信息")
    assert found is not None
    edit = ResourceEdit(
        summary="企业登记",
        share_type=ShareType.UNCONDITIONAL,
        share_method=ShareMethod.DATABASE,
        open_type=OpenType.UNCONDITIONAL,
        licence="CC-BY-4.0",
        update_cycle="2",
    )
    platform.catalog.edit(bureau.steward, found.id, edit)

    def stops() -> set[str]:
        return {gap.field for gap in platform.catalog.missing(bureau.steward, found.id) if gap.blocking}

    assert stops() == set()
    assert refused(laws.choose, bureau.steward, "reg809", date(2026, 3, 1), "施行") == "denied"
    assert refused(laws.choose, bureau.reviewer, "reg809", date(2025, 7, 1), "施行") == "profile_not_in_force"
    assert refused(laws.choose, bureau.reviewer, "reg999", date(2026, 3, 1), "施行") == "unknown_code"
    assert refused(laws.choose, bureau.reviewer, "reg809", date(2026, 3, 1), " ") == "reason_needed"
    laws.choose(bureau.reviewer, "reg809", date(2026, 4, 1), "条例施行")
    assert stops() == set()  # not yet
    laws.choose(bureau.reviewer, "reg809", date(2026, 3, 1), "先行", OWNER)
    assert stops() == {"share_condition"}
    gap = next(g for g in platform.catalog.missing(bureau.steward, found.id) if g.blocking)
    assert (gap.rule, gap.verified) == ("field.reg809.share_condition", False)
    assert "809" in gap.basis
    assert refused(platform.catalog.submit, bureau.steward, found.id) == "incomplete"
    platform.catalog.edit(bureau.steward, found.id, ResourceEdit(share_condition="政务部门履职使用"))
    platform.catalog.submit(bureau.steward, found.id)
    platform.catalog.approve(bureau.reviewer, found.id)
    platform.catalog.publish(bureau.publisher, found.id)
    published = platform.catalog.published(bureau.steward, found.id)
    assert published.version.profile == "reg809"
    assert platform.standards.profile_on("health", date(2026, 3, 10)).id == "guide2017"
    assert platform.standards.profile_on("health", date(2026, 4, 1)).id == "reg809"
    view = {one.profile.id: one for one in laws.profiles(bureau.steward)}
    assert (view["guide2017"].counts_for, view["reg809"].counts_for) == ([""], [OWNER])


def test_over_http_and_at_the_terminal(bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
    app = FastAPI()

    @app.middleware("http")
    async def who(request: Request, call_next: Any) -> Any:
        request.state.actor = getattr(bureau, request.headers.get("x-actor", "steward"))
        return await call_next(request)

    @app.exception_handler(BeijiangError)
    async def told(_request: Request, error: BeijiangError) -> JSONResponse:
        return JSONResponse({"code": error.reason}, status_code=error.status)

    app.include_router(laws_router(bureau.platform.registry))
    door = TestClient(app)
    found = door.get("/api/v1/standards/laws?kind=retention&profile=law").json()["rules"]
    assert {one["id"] for one in found} >= {"retention.security_log", "retention.pia"}
    assert door.get(f"/api/v1/standards/laws/{LIMIT}").json()["versions"][0]["version"] >= 1
    assert door.get("/api/v1/standards/laws/none").json() == {"code": "unknown_code"}
    profiles = {one["id"]: one for one in door.get("/api/v1/standards/profiles").json()["profiles"]}
    assert profiles["reg809"]["fields"]["level"] == "mandatory"
    order = {"profile": "nm_local", "since": "2026-03-01", "reason": "试行", "org_id": "health"}
    assert door.post("/api/v1/standards/profiles/choose", json=order).status_code == 403
    made = door.post("/api/v1/standards/profiles/choose", json=order, headers={"x-actor": "reviewer"})
    assert (made.status_code, made.json()["profile"]) == (201, "nm_local")
    group = Typer()
    add_laws(group, lambda: bureau.platform.registry, lambda: bureau.platform.access)
    monkeypatch.setattr(terminal, "language", lambda: Language.EN)

    def run(*words: str) -> str:
        answer = CliRunner().invoke(group, list(words))
        assert answer.exit_code == 0, (words, answer.output, answer.exception)
        return answer.output

    assert "nm_local" in run("profiles", "list")
    assert "reg809" in run("profiles", "show", "reg809")
    run(
        "profiles",
        "choose",
        "guide2017",
        "--since",
        "2026-05-01",
        "--reason",
        "回退",
        "--org",
        "health",
        "--as",
        "reviewer",
    )
    assert "guide2017" in run("profiles", "choices")
    run("propose-rule", LIMIT, "--set", "value=9", "--reason", "核对", "--as", "steward")
    assert LIMIT in run("law", LIMIT)
