"""Standard entries: issued from above, claimed below, and held against; what does not apply or is another's is decided."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from exchange_bureau import AT, COUNTY, OWNER, Bureau, People
from typer.testing import CliRunner

from beijiang import terminal
from beijiang.access import OrganisationDraft, PersonDraft, Role
from beijiang.assess.service.record import ExchangeRecord
from beijiang.catalog import Resource, ResourceEdit, ShareType
from beijiang.evidence import EvidenceQuery
from beijiang.exchange import ClaimMove, ClaimState, ClaimTask, Template, TemplateDraft
from beijiang.exchange.commands import claims, templates
from beijiang.ingest import AlertKind
from beijiang.kit import SYSTEM, Conflict, Denied, Invalid, Language, NotFound, new_id
from beijiang.tables import CommitRequest, WriteMode

CITY, SECOND = "city-commerce", "second-county"
S, M = ClaimState, ClaimMove


@pytest.fixture(scope="module")
def region(region: Bureau) -> Bureau:
    access = region.platform.access
    for org, name, tier, region_code in (
        (CITY, "包头市商务局", 2, "150200"),
        (SECOND, "土默特右旗商务局", 3, "150221"),
    ):
        access.add_organisation(
            SYSTEM, OrganisationDraft(id=org, name_zh=name, name_en=org, admin_tier=tier, region_code=region_code)
        )
    for login, org, role in (
        ("city_lead", CITY, Role.ORG_REVIEWER),
        ("city_steward", CITY, Role.STEWARD),
        ("second", SECOND, Role.STEWARD),
    ):
        person, _ = access.add_person(SYSTEM, PersonDraft(login=login, name=login, org_id=org, roles=frozenset({role})))
        region.people[login] = person.as_actor(None)
    return region


def standard_entry(bureau: Bureau, name: str) -> Resource:
    return bureau.publish(name, 3)


def draft(resource: Resource, *orgs: str, **words: Any) -> TemplateDraft:
    facts: dict[str, Any] = {"basis": "内政办发〔2023〕32号", "orgs": frozenset(orgs)}
    return TemplateDraft(resource_id=resource.id, **{**facts, **words})


def task_of(bureau: Bureau, made: Template, org: str) -> ClaimTask:
    view = bureau.platform.templates.template(bureau["lead"], made.id)
    return next(one for one in view.tasks if one.org_id == org)


def upload(bureau: Bureau, table: str, org: str, columns: dict[str, list[str]]) -> Resource:
    path = Path(bureau.platform.settings.home) / "staging" / f"{new_id('f')}.parquet"
    rows = pa.table(columns)
    pq.write_table(rows, path)
    order = CommitRequest(
        table=table, org_id=org, staged=(path,), schema=rows.schema, mode=WriteMode.APPEND, run_id=new_id("run")
    )
    bureau.platform.tables.commit(SYSTEM, order)
    found = bureau.platform.catalog.resource_for_table(table)
    assert found is not None
    return found


def alerted(bureau: Bureau, kind: AlertKind, task: ClaimTask) -> bool:
    return (kind, task.id) in bureau.platform.alerts.open()


def test_a_standard_is_issued_and_claimed_with_an_entry_that_is_brought_to_it(bureau: Bureau) -> None:  # noqa: PLR0915 - one story
    service, lead = bureau.platform.templates, bureau["lead"]
    resource = standard_entry(bureau, "企业标准一")
    wanted = draft(resource, tiers=frozenset({2, 3}), words="局")
    plan = service.plan(lead, wanted)
    assert set(plan.units) == {CITY, SECOND, COUNTY}
    assert (plan.version, plan.days) == (1, 15)
    assert not service.templates(lead), "a plan changes nothing"
    with pytest.raises(Denied):
        service.issue(bureau["steward"], wanted)
    with pytest.raises(Invalid) as error:
        service.issue(lead, draft(resource, basis=" ", tiers=frozenset({2})))
    assert error.value.reason == "reason_needed"
    with pytest.raises(Invalid) as error:
        service.issue(lead, draft(resource, "health"))
    assert error.value.reason == "not_beneath"
    with pytest.raises(Invalid) as error:
        service.issue(lead, draft(resource, words="没有这样的", tiers=frozenset({3})))
    assert error.value.reason == "no_units"

    made = service.issue(lead, wanted)
    assert [one.org_id for one in service.waiting(bureau["second"])] == [SECOND]
    task = task_of(bureau, made, SECOND)
    assert alerted(bureau, AlertKind.CLAIM, task)
    with pytest.raises(NotFound):
        service.task(bureau["city_steward"], task.id)
    assert service.template(bureau["second"], made.id).tasks == (task,), "one's own task only"
    with pytest.raises(NotFound):
        service.template(bureau["consumer"], made.id)

    own = upload(bureau, "旗县企业", SECOND, {"企业名称": ["甲", "乙"], "盟市": ["包头市", "包头市"], "备注": ["", ""]})
    with pytest.raises(NotFound):
        service.claim(bureau["second"], task.id, resource.id)
    with pytest.raises(Invalid) as error:
        service.claim(SYSTEM, task.id, resource.id)
    assert error.value.reason == "other_entry"
    claimed = service.claim(bureau["second"], task.id, own.id)
    assert (claimed.state, claimed.resource_id) == (S.CLAIMED, own.id)
    assert not alerted(bureau, AlertKind.CLAIM, task)
    entry = bureau.platform.catalog.get(bureau["second"], own.id).entry
    assert (entry.name, entry.share_type, entry.provider_id) == ("企业标准一", ShareType.CONDITIONAL, SECOND)
    assert entry.item("企业名称").share_type is ShareType.UNCONDITIONAL  # type: ignore[union-attr]
    missing = {one.column for one in service.task(bureau["second"], task.id).deviations}
    assert missing == {"法定代表人证件号码", "法定代表人电话", "注册资本"}
    with pytest.raises(Invalid) as error:
        bureau.platform.catalog.submit(bureau["second"], own.id)
    assert error.value.reason == "incomplete"
    assert "缺少标准数据项" in error.value.text.zh

    whole = {name: ["x"] for name in ("企业名称", "盟市", "法定代表人证件号码", "法定代表人电话", "注册资本", "自有列")}
    better = upload(bureau, "旗县企业二", SECOND, whole)
    with pytest.raises(Conflict):
        service.claim(bureau["second"], task.id, better.id)
    bureau.platform.catalog.edit(bureau["second"], own.id, ResourceEdit(name="旗县企业（旧）"))
    own = service.claim(bureau["second"], task.id, better.id)
    left = [one for one in service.task(bureau["second"], task.id).deviations if one.stops]
    assert not left, "an item more than the standard has is no deviation"
    bureau.platform.catalog.submit(bureau["second"], own.resource_id)


def test_an_entry_that_was_claimed_may_be_fresher_and_not_otherwise_changed(bureau: Bureau) -> None:
    service, catalog = bureau.platform.templates, bureau.platform.catalog
    resource = standard_entry(bureau, "企业标准二")
    made = service.issue(bureau["lead"], draft(resource, SECOND))
    task = service.claim(bureau["second"], task_of(bureau, made, SECOND).id)
    own = catalog.get(bureau["second"], task.resource_id)
    assert (own.provider_id, own.entry.region_code, own.table) == (SECOND, "150221", None)
    assert not service.task(bureau["second"], task.id).deviations

    def differs(**edit: Any) -> set[str]:
        catalog.edit(bureau["second"], own.id, ResourceEdit(**edit))
        return {one.field for one in service.task(bureau["second"], task.id).deviations}

    assert differs(update_cycle="1", contact="0472-1234567", inner_office="数据股") == set(), (
        "daily is more than weekly"
    )
    assert differs(update_cycle="9") == {"update_cycle"}
    assert differs(update_cycle="1", share_type=ShareType.NOT_SHARED, no_share_basis="无") >= {"share_type"}
    assert {"share_type"} <= {gap.field for gap in catalog.missing(bureau["second"], own.id)}
    service.claim(bureau["second"], task.id)
    assert not service.task(bureau["second"], task.id).deviations, "brought back"


def test_what_does_not_apply_or_is_anothers_is_decided_by_who_issued_it(bureau: Bureau) -> None:
    service, lead = bureau.platform.templates, bureau["lead"]
    resource = standard_entry(bureau, "企业标准三")
    made = service.issue(lead, draft(resource, CITY, COUNTY))
    city, county = task_of(bureau, made, CITY), task_of(bureau, made, COUNTY)
    with pytest.raises(Denied):
        service.decline(bureau["city_lead"], city.id, "无此职责")
    with pytest.raises(Invalid):
        service.decline(bureau["city_steward"], city.id, " ")
    said = service.decline(bureau["city_steward"], city.id, "无此职责")
    assert said.state is S.NOT_APPLICABLE
    with pytest.raises(Conflict) as conflict:
        service.claim(bureau["city_steward"], city.id)
    assert conflict.value.reason == "claim_move"
    with pytest.raises(Denied):
        service.decide(bureau["city_steward"], city.id, M.EXCUSE)
    with pytest.raises(Invalid):
        service.decide(lead, city.id, M.BACK)
    bureau.clock.advance(timedelta(days=2))
    again = service.decide(lead, city.id, M.BACK, "商务局有此职责")
    assert again.state is S.OPEN
    assert again.case is not None
    assert again.case.answered is None, "the time runs anew"
    service.decline(bureau["city_steward"], city.id, "已划转")
    assert service.decide(lead, city.id, M.EXCUSE).state is S.EXEMPT

    with pytest.raises(Invalid) as error:
        service.decline(bureau["banner"], county.id, "应由商务局", COUNTY)
    assert error.value.reason == "names_itself"
    assert service.decline(bureau["banner"], county.id, "应由商务局认领", SECOND).state is S.DISPUTED
    assert service.decide(lead, county.id, M.MOVE).state is S.MOVED
    assert task_of(bureau, made, SECOND).state is S.OPEN

    second = service.issue(lead, draft(resource))
    assert second.version == 2
    assert {one.org_id for one in service.template(lead, made.id).tasks if one.template_version == 2} == {SECOND}
    (counts,) = [counts for one, counts in service.templates(lead) if one.id == made.id]
    assert counts == {S.OPEN: 1}
    cancelled = [t for t in service.template(lead, made.id).tasks if t.state is S.CANCELLED]
    assert [(t.org_id, t.template_version) for t in cancelled] == [(SECOND, 1)]
    service.retire(lead, made.id, "改由国家下发")
    assert not [one for one in service.waiting(bureau["second"]) if one.template_id == made.id]
    with pytest.raises(Conflict):
        service.retire(lead, made.id, "再次")
    told = bureau.platform.evidence.page(EvidenceQuery(target=made.id)).records
    actions = sorted(one.action for one in told)
    assert actions == ["exchange.template_issue", "exchange.template_issue", "exchange.template_retire"]


def test_a_stand_in_answers_and_decides_and_does_not_write_in_the_catalog(bureau: Bureau) -> None:
    service, exchange = bureau.platform.templates, bureau.exchange
    made = service.issue(bureau["lead"], draft(standard_entry(bureau, "代办标准目录"), CITY, SECOND))
    task, other = task_of(bureau, made, CITY), task_of(bureau, made, SECOND)
    given = exchange.delegate(bureau["city_steward"], "city_lead", bureau.today, bureau.today, "出差")
    helper = exchange.delegate(bureau["lead"], "deputy", bureau.today, bureau.today, "休假")
    service.decline(bureau["second"], other.id, "没有这类业务")
    assert set(service.task(bureau["deputy"], other.id).moves) == set(service.task(bureau["lead"], other.id).moves)
    assert {task.id, other.id} & {one.id for one in service.waiting(bureau["deputy"])} == {other.id}
    assert service.decide(bureau["deputy"], other.id, M.EXCUSE, "属实").state is S.EXEMPT
    step = service.task(bureau["lead"], other.id).steps[-1]
    assert (step.name, step.behalf) == ("deputy", "lead")
    with pytest.raises(Denied):
        service.claim(bureau["deputy"], task.id)
    for who, one in (("city_steward", given), ("lead", helper)):
        exchange.end_delegation(bureau[who], one.id)
    with pytest.raises(NotFound):
        service.task(bureau["second"], task.id)


def test_a_new_version_asks_those_who_claimed_for_an_update(bureau: Bureau) -> None:
    service, catalog, lead = bureau.platform.templates, bureau.platform.catalog, bureau["lead"]
    resource = standard_entry(bureau, "企业标准四")
    made = service.issue(lead, draft(resource, SECOND))
    claimed = service.claim(bureau["second"], task_of(bureau, made, SECOND).id)
    catalog.edit(bureau["steward"], resource.id, ResourceEdit(share_condition="仅限监管执法，按项审批，一年一核"))
    service.issue(lead, draft(resource))
    newer = task_of(bureau, made, SECOND)
    assert (newer.template_version, newer.state, newer.resource_id) == (2, S.OPEN, claimed.resource_id)
    assert {one.field for one in service.task(bureau["second"], newer.id).deviations} == {"share_condition"}
    service.claim(bureau["second"], newer.id)
    entry = catalog.get(bureau["second"], claimed.resource_id).entry
    assert entry.share_condition == "仅限监管执法，按项审批，一年一核"


def test_what_is_late_is_told_and_counts_in_the_assessment(bureau: Bureau) -> None:
    service, platform = bureau.platform.templates, bureau.platform
    resource = standard_entry(bureau, "企业标准五")
    made = service.issue(bureau["lead"], draft(resource, SECOND, CITY))
    late, kept = task_of(bureau, made, SECOND), task_of(bureau, made, CITY)
    service.claim(bureau["city_steward"], kept.id)
    due = service.due(late)
    assert due is not None
    bureau.clock.at = due.due + timedelta(hours=1)
    service.watch()
    assert alerted(bureau, AlertKind.CLAIM_OVERDUE, late)
    moves = [step.move for step in service.task(bureau["second"], late.id).steps]
    assert "督办" in "".join(move.text.zh for move in moves)
    record = ExchangeRecord(bureau.exchange, platform.demands, service, platform.offered, platform.exchange.parts.zone)
    found = {one.id: one for one in record.claim_tasks(due.last_day, due.last_day)}
    assert found[late.id].answered_on is None
    assert found[kept.id].answered_on is not None
    assert found[kept.id].org_id == CITY
    service.claim(bureau["second"], late.id)
    assert not alerted(bureau, AlertKind.CLAIM_OVERDUE, late)


def test_only_a_complete_entry_is_a_standard_and_a_city_reaches_its_own_counties(bureau: Bureau) -> None:
    service = bureau.platform.templates
    bare = upload(bureau, "未编目录", OWNER, {"a": ["1"]})
    with pytest.raises(Invalid) as error:
        service.plan(bureau["lead"], draft(bare, SECOND))
    assert error.value.reason == "template_incomplete"
    own = upload(bureau, "市级企业", CITY, {"企业名称": ["甲"]})
    facts: dict[str, Any] = {
        "summary": "本市企业名称", "categories": ("301001",), "formats": ("csv",), "share_type": ShareType.UNCONDITIONAL,
        "open_condition": "含未公开信息", "update_cycle": "2",
    }  # fmt: skip
    catalog = bureau.platform.catalog
    known = catalog.get(SYSTEM, bureau.resource.id).entry
    facts |= {"categories": known.categories, "formats": known.formats, "open_type": known.open_type}
    catalog.edit(bureau["city_steward"], own.id, ResourceEdit(**facts))
    assert service.plan(bureau["city_lead"], draft(own, tiers=frozenset({2, 3}), words="商务")).units == (SECOND,)
    with pytest.raises(Invalid):
        service.plan(bureau["city_lead"], draft(own, COUNTY))


def test_programs_and_operators_do_the_same(bureau: Bureau) -> None:
    programs, lead = People(bureau), "lead"
    resource = standard_entry(bureau, "企业标准六")
    order = {"resource_id": resource.id, "tiers": [3], "words": "商务", "basis": "内政办发〔2023〕32号"}
    assert programs[lead].post(f"{AT}/templates/plan", json=order).json()["units"] == [SECOND]
    assert programs["steward"].post(f"{AT}/templates", json=order).status_code == 403
    made = programs[lead].post(f"{AT}/templates", json=order)
    assert made.status_code == 201
    number = made.json()["id"]
    (task,) = programs["second"].get(f"{AT}/claims/waiting").json()["tasks"][-1:]
    assert task["template_id"] == number
    declined = programs["second"].post(f"{AT}/claims/{task['id']}/decline", json={"words": "无此数据"})
    assert declined.json()["state"] == "not_applicable"
    order = {"move": "back", "words": "请核实", "seen": task["seen"]}
    stale = programs[lead].post(f"{AT}/claims/{task['id']}/decide", json=order)
    assert (stale.status_code, stale.json()["error"]["code"]) == (409, "changed_since_seen")
    order["seen"] = programs[lead].get(f"{AT}/claims/{task['id']}").json()["seen"]
    back = programs[lead].post(f"{AT}/claims/{task['id']}/decide", json=order)
    assert back.json()["state"] == "open"
    assert programs["second"].get(f"{AT}/claims/{task['id']}").json()["moves"] == ["claim", "decline", "name"]
    done = programs["second"].post(f"{AT}/claims/{task['id']}/claim", json={})
    assert done.json()["state"] == "claimed"
    assert programs["consumer"].get(f"{AT}/templates/{number}").status_code == 404
    seen = programs[lead].get(f"{AT}/templates/{number}").json()
    assert [one["state"] for one in seen["tasks"]] == ["claimed"]
    assert programs[lead].post(f"{AT}/templates/{number}/retire", json={"words": "试用结束"}).json()["retired"]

    terminal.set_style(as_json=True, language=Language.ZH)
    services = bureau.platform
    groups = {
        "template": templates(lambda: services.templates, lambda: services.access),
        "claim": claims(lambda: services.templates, lambda: services.access),
    }

    def run(group: str, login: str, *words: str) -> str:
        done = CliRunner().invoke(groups[group], [*words, "--as", login])
        assert done.exit_code == 0, (words, done.output, done.exception)
        return done.output

    again = standard_entry(bureau, "企业标准七")
    assert SECOND in run("template", lead, "issue", again.id, "--tier", "3", "--name", "商务", "--plan")
    run("template", lead, "issue", again.id, "--org", SECOND, "--basis", "文件")
    assert "企业标准七" in run("template", lead, "list")
    task_id = services.templates.waiting(bureau["second"])[-1].id
    assert task_id in run("claim", "second", "waiting")
    run("claim", "second", "decline", task_id, "--words", "无")
    seen = services.templates.task(bureau[lead], task_id).task.shown.token
    run("claim", lead, "decide", task_id, "back", "--words", "有", "--seen", seen)
    assert "claimed" in run("claim", "second", "take", task_id)
    run("claim", "second", "show", task_id)
    template = services.templates.task(SYSTEM, task_id).template.id
    assert task_id in run("template", lead, "show", template)
    run("template", lead, "retire", template, "--words", "结束")
