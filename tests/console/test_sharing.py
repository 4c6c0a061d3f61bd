"""Sharing in the console: found, asked for, decided stage by stage, looked at, and ended."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import pyzipper
from fastapi.testclient import TestClient

from beijiang.access import OrganisationDraft, PersonDraft, Role
from beijiang.catalog import ItemEdit, OpenType, ResourceEdit, ShareType
from beijiang.exchange import Item, RequestDraft, RequestState, Terms, Way
from beijiang.kit import SYSTEM, Actor, ActorKind, new_id
from beijiang.protection import Handling, Level
from beijiang.tables import CommitRequest, WriteMode
from waiting import until

OURS, THEIRS = "校舍清单", "医疗机构名录"
PASSWORD = "Steppe-under-a-wide-sky-26"
SCHEMA = pa.schema([("名称", pa.string()), ("盟市", pa.string()), ("面积", pa.int64())])


def person(role: str, org: str) -> Actor:
    return Actor(f"person_{role}_{org}", f"{org}的{role}", ActorKind.PERSON, org, frozenset({role}))


def published(office: Any, table: str, org: str, **grades: Level) -> str:
    """Publish a table of a department, some of its columns corrected to a grade; return its entry."""
    path = Path(office.settings.home) / "staging" / f"{new_id('f')}.parquet"
    rows = [{"名称": f"第{n}号", "盟市": "包头市" if n % 2 else "赤峰市", "面积": n} for n in range(40)]
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), path)
    order = CommitRequest(
        table=table, org_id=org, staged=(path,), schema=SCHEMA, mode=WriteMode.APPEND, run_id=new_id("run")
    )
    office.tables.commit(SYSTEM, order)
    office.db.deliver_waiting()
    for column, level in grades.items():
        office.protection.correct(SYSTEM, table, column, level=level, reason="重点设施")
    entry = office.catalog.resource_for_table(table)
    edit = ResourceEdit(
        share_type=ShareType.CONDITIONAL,
        share_condition="按项审批",
        open_type=OpenType.NOT_OPEN,
        open_condition="内部使用",
        update_cycle="2",
        categories=("207001",),
        items=(ItemEdit(column="名称", share_type=ShareType.UNCONDITIONAL),),
    )
    steward, reviewer = person("steward", org), person("bureau_reviewer", "bigdata")
    office.catalog.edit(steward, entry.id, edit)
    office.catalog.submit(steward, entry.id)
    office.catalog.approve(reviewer, entry.id)
    office.catalog.publish(person("bureau_publisher", "bigdata"), entry.id)
    return str(entry.id)


@pytest.fixture(scope="module", autouse=True)
def resources(office: Any) -> dict[str, str]:
    """One resource of our own department, and one of another."""
    return {table: published(office, table, org) for table, org in ((OURS, "education"), (THEIRS, "health"))}


def form(resource: str, today: Any, *take: str, **words: Any) -> dict[str, Any]:
    return {
        "resource": resource,
        "column": ["名称", "盟市", "面积"],
        "take": list(take),
        "handling": ["as_is", "as_is", "as_is"],
        "way": ["page", "row_api"],
        "since": today.isoformat(),
        "until": (today + timedelta(days=90)).isoformat(),
        "purpose": "service",
        "use": "核对校医院名录，安排体检服务",
        "basis": "学校卫生工作条例第六条",
        **words,
    }


def test_a_steward_has_serving_copies_made(office: Any, desk: Callable[..., Any], resources: dict[str, str]) -> None:
    steward, here = desk("steward"), "/console/serving"
    empty = steward.get(here).text
    assert "还没有服务副本" in empty
    words = {"table": OURS, "columns": "名称"}
    steward.post(here, data=words)
    assert "正在后台建立" in steward.get(here).text
    office.jobs.run_inline(office.servings.refresh(SYSTEM, OURS).job)
    shown = steward.get(here).text
    assert "可用" in shown
    assert "其他部门" in shown
    steward.post(here, data={**words, "do": "end"})
    assert "还没有服务副本" in steward.get(here).text


def test_an_item_that_may_not_leave_is_asked_for_to_be_verified_and_counted(
    office: Any, desk: Callable[..., Any]
) -> None:
    entry, steward, today = (
        published(office, "仓储设施", "health", 面积=Level.L4),
        desk("steward"),
        office.exchange.today,
    )
    page = steward.get(f"/console/sharing/ask?resource={entry}").text
    box = re.search(r'<input type="checkbox" name="take" value="面积"[^>]*>', page)
    assert box is not None
    assert "disabled" not in box[0]
    assert "只能核验或统计" in page
    rows = steward.post("/console/sharing/ask", form(entry, today, "面积", do="plan")).text
    only = steward.post(
        "/console/sharing/ask", form(entry, today, "面积", way=["verify", "count"], calls="20", do="plan")
    ).text
    assert "提供部门专员意见" in only
    assert rows.count("L4") > only.count("L4"), "the plan says which ways are not for it"


def test_a_department_asks_and_looks_at_what_it_was_granted(
    office: Any, desk: Callable[..., Any], resources: dict[str, str]
) -> None:
    steward, theirs, today = desk("steward"), resources[THEIRS], office.exchange.today
    found = steward.get("/console/sharing/find?q=医疗机构").text
    assert f'href="/console/sharing/ask?resource={theirs}"' in found
    assert "本部门的数据" in steward.get("/console/sharing/find?q=校舍").text
    asked = steward.get(f"/console/sharing/ask?resource={theirs}").text
    assert re.search(r'value="名称"[^>]*checked', asked)
    assert not re.search(r'name="take" value="面积"[^>]*checked', asked)
    planned = steward.post("/console/sharing/ask", form(theirs, today, "盟市", use="看", do="plan"))
    assert planned.status_code == 200
    assert "提供部门专员意见" in planned.text
    assert "至少 10 字" in planned.text
    wrong = steward.post("/console/sharing/ask", form(theirs, today, "盟市", where="盟市~包头", do="plan"))
    assert "读不懂" in wrong.text
    kept = steward.post("/console/sharing/ask", form(theirs, today, "盟市", "面积", where="盟市=包头市", do="keep"))
    assert kept.headers["location"] == "/console/sharing/basket"
    basket = steward.get("/console/sharing/basket").text
    number = re.search(r'name="chosen" value="(req_[a-z0-9]+)"', basket)
    assert number
    again = steward.get(f"/console/sharing/ask?again={number[1]}").text
    assert "盟市__eq=包头市" in again
    done = steward.post("/console/sharing/basket", {"chosen": [number[1]], "do": "submit"})
    assert done.headers["location"] == "/console/sharing?show=open"
    here = f"/console/sharing/requests/{number[1]}"
    assert THEIRS in steward.get("/console/sharing?show=open").text
    assert "撤回申请" in steward.get(here).text
    reviewer = desk("bureau_reviewer")
    assert "共享申请" in reviewer.get("/console").text
    assert here in reviewer.get("/console/sharing").text
    reviewer.post(f"{here}/decide", {"do": "approve", "words": "齐全", **_offered(reviewer.get(here).text)})
    for role in ("steward", "org_reviewer"):
        office.exchange.approve(person(role, "health"), number[1], "同意")
    view = office.exchange.request(SYSTEM, number[1]).request
    assert view.state is RequestState.APPROVED
    assert "审批单" in steward.get(here).text
    minutes = steward.get(f"{here}/minutes").text
    assert "学校卫生工作条例第六条" in minutes
    assert "在线查看、数据接口" in minutes
    paper = steward.get(f"{here}/minutes.pdf")
    assert (paper.headers["content-type"], paper.content[:4]) == ("application/pdf", b"%PDF")
    grant = f"/console/grants/{view.grant_id}"
    assert "盟市 等于 包头市" in steward.get(grant).text or "盟市 = 包头市" in steward.get(grant).text
    rows = steward.get(f"{grant}/rows").text
    assert "包头市" in rows
    assert "赤峰市" not in rows
    assert view.grant_id in steward.get("/console/grants?side=ours").text
    both_sides_keep_the_receipts(office, steward, str(view.grant_id))
    steward.post(grant, {"do": "give_up", "words": "系统下线"})
    assert "系统下线" in steward.get(grant).text
    assert "包头市" not in steward.get(f"{grant}/rows").text


def both_sides_keep_the_receipts(office: Any, steward: Any, grant: str) -> None:
    page, deliveries = steward.get(f"/console/grants/{grant}").text, f"/console/receipts?grant={grant}"
    assert "20" in page
    assert deliveries in page
    listed = re.findall(r'href="/console/receipts/(ev_[a-z0-9]+)"', steward.get(deliveries).text)
    assert listed
    assert office.receipts.receipt(person("steward", "health"), listed[0])["id"] == listed[0]


def test_a_profile_of_delta_sharing_is_taken_from_the_page_of_a_grant(
    office: Any, desk: Callable[..., Any], resources: dict[str, str]
) -> None:
    steward = desk("steward")
    today = office.exchange.today
    words = form(resources[THEIRS], today, "名称", way=["page", "delta_sharing"], do="keep")
    steward.post("/console/sharing/ask", words)
    number = re.findall(r'name="chosen" value="(req_[a-z0-9]+)"', steward.get("/console/sharing/basket").text)[-1]
    steward.post("/console/sharing/basket", {"chosen": [number], "do": "submit"})
    view = office.exchange.request(SYSTEM, number).request
    assert view.state is RequestState.APPROVED  # what is shared without conditions needs no approval
    here = f"/console/grants/{view.grant_id}"
    page = steward.get(here).text
    assert f'delta_sharing.load_as_pandas("profile.share#service.health.{THEIRS}")' in page.replace("&#34;", '"')
    taken = steward.post(f"{here}/profile", {"key": "new"})
    assert taken.headers["cache-control"] == "no-store"
    assert taken.headers["content-disposition"].endswith('.share"')
    assert taken.json()["endpoint"].endswith("/share")
    key = re.search(r'filename="(key_[a-z0-9]+)\.share"', taken.headers["content-disposition"])
    assert key
    assert re.search(rf'<option value="{key[1]}" disabled', steward.get(here).text)
    again = steward.post(f"{here}/profile", {"key": key[1]})
    assert again.headers["location"].startswith(here)
    assert taken.json()["bearerToken"] not in steward.get(here).text


def _offered(page: str) -> dict[str, list[str]]:
    """Return what the form of a reviewer sends who changes nothing."""
    names = ("column", "take", "way", "offered_way", "revision")
    return {name: re.findall(rf'name="{name}" value="([^"]+)"', page) for name in names}


def approval_is_shown(steward: Any, here: str, less: dict[str, Any]) -> None:
    shown = steward.post(f"{here}/plan", less).text
    assert "接下来由以下环节办理" in shown
    assert "不给的数据项" in shown
    assert 'name="take" value="盟市"' in shown, "what was chosen is confirmed as it was shown"


def ending_is_shown(lead: Any, grant: str) -> None:
    shown = lead.post(f"{grant}/plan", {"do": "revoke"}).text
    assert "不能再凭这项授权取得任何数据" in shown
    assert "没有推送用到这项授权" in shown
    assert lead.post(f"{grant}/plan", {"do": "resume"}).status_code == 303, "it is not suspended"
    assert "不能这样办理" in lead.get(grant).text


def test_the_provider_decides_with_less_and_ends_what_it_gave(
    office: Any, desk: Callable[..., Any], resources: dict[str, str]
) -> None:
    from beijiang.exchange import Item, RequestDraft, Terms, Way
    from beijiang.protection import Handling

    consumer, today = person("steward", "health"), office.exchange.today
    terms = Terms(
        items=tuple(Item(c, Handling.AS_IS) for c in ("盟市", "面积")),
        ways=frozenset({Way.API, Way.FILE}),
        since=today,
        until=today + timedelta(days=30),
    )
    draft = RequestDraft(
        resource_id=resources[OURS],
        terms=terms,
        purpose="service",
        use="安排校医巡诊路线和频次",
        basis="学校卫生工作条例",
    )
    asked = office.exchange.submit(consumer, [office.exchange.put(consumer, draft).id])[0]
    office.exchange.approve(person("bureau_reviewer", "bigdata"), asked.id, "齐全")
    here = f"/console/sharing/requests/{asked.id}"
    steward, lead = desk("steward"), desk("org_reviewer")
    assert re.search(r'href="/console/sharing"[^>]*>共享申请 <span class="count">1<', steward.get("/console").text)
    page = steward.get(here).text
    assert "一次性告知补正" in page
    less = {**_offered(page), "take": ["盟市"], "way": ["row_api"], "do": "approve"}
    approval_is_shown(steward, here, less)
    steward.post(f"{here}/decide", less)
    assert "请说明理由" in steward.get(here).text
    steward.post(f"{here}/decide", {**less, "words": "面积与巡诊无关", "rows": "500"})
    assert "不给" in steward.get(here).text
    assert "由数据局同意后生效" in lead.get(here).text
    lead.post(f"{here}/time", {"do": "extend", "days": "2", "words": "核对口径"})
    assert "等数据局答复" in lead.get(here).text
    publisher = desk("bureau_publisher")
    seen = office.exchange.request(SYSTEM, asked.id).request.revision
    asks = publisher.get(here).text
    assert "核对口径" in asks
    assert f'name="revision" value="{seen}"' in asks
    publisher.post(f"{here}/time", {"do": "agree", "words": "同意", "revision": "1"})
    assert office.exchange.request(SYSTEM, asked.id).request.case.extended == 0, "something else was looked at"
    publisher.post(f"{here}/time", {"do": "agree", "words": "同意", "revision": str(seen)})
    assert office.exchange.request(SYSTEM, asked.id).request.case.extended == 2
    lead.post(f"{here}/time", {"do": "pause", "reason": "third_party", "words": "征求学校意见"})
    assert "恢复计时" in lead.get(here).text
    lead.post(f"{here}/time", {"do": "resume", "words": "意见已收到"})
    lead.post(f"{here}/decide", {**_offered(lead.get(here).text), "do": "approve"})
    request = office.exchange.request(SYSTEM, asked.id).request
    assert request.state is RequestState.PARTLY_APPROVED
    assert request.offered.rows_per_day == 500
    grant = f"/console/grants/{request.grant_id}"
    assert "暂停、收窄、撤销" in lead.get(grant).text
    ending_is_shown(lead, grant)
    assert office.exchange.grant(SYSTEM, request.grant_id).grant.state.value == "active", "nothing was changed"
    lead.post(grant, {"do": "suspend", "words": "核查用途"})
    assert "已暂停" in lead.get(grant).text
    lead.post(grant, {"do": "resume", "words": "无误"})
    lead.post(grant, {"do": "revoke", "words": "用途结束"})
    assert "已撤销" in lead.get(f"{grant}?lang=zh-CN").text
    assert "revoked" in lead.get(f"{grant}?lang=en").text
    lead.get(f"{grant}?lang=zh-CN")


def test_pages_name_the_day_by_which_a_dispute_is_raised(
    office: Any, desk: Callable[..., Any], resources: dict[str, str]
) -> None:
    from beijiang.exchange import GranteeKind

    steward, today = desk("steward"), office.exchange.today
    terms = Terms(
        items=(Item("名称", Handling.AS_IS),),
        ways=frozenset({Way.API}),
        since=today,
        until=today + timedelta(days=30),
    )
    draft = RequestDraft(
        resource_id=resources[THEIRS],
        terms=terms,
        purpose="service",
        use="核对校医院名录，安排体检服务",
        basis="学校卫生工作条例第六条",
        grantee_kind=GranteeKind.ORGANISATION,
    )
    provider = person("org_reviewer", "health")
    grant = office.exchange.give(provider, "education", draft, "双方约定用途")
    page = f"/console/grants/{grant.id}"
    assert "可提出至" not in steward.get(page).text
    office.exchange.suspend(provider, grant.id, "核查用途")
    rule = office.standards.limit("dispute.file", "health")
    last = office.standards.due(today, int(rule.value)).on
    seen = steward.get(page).text
    assert f"可提出至 {last}" in seen
    assert f"/console/dispute?kind=revocation&amp;subject={grant.id}" in seen
    order = {"kind": "revocation", "subject": grant.id, "words": "用途属我厅法定职责"}
    made = steward.post("/console/dispute", order).headers["location"]
    told = steward.get(made).text
    assert f"{last}（规则 {rule.id}" in told
    assert "不是法定期限" in told
    office.exchange.resume(provider, grant.id, "无误")
    assert f"{last}（规则 {rule.id}" in steward.get(made).text, "the day stays, though nothing is suspended any more"


def test_a_reviewer_who_is_away_names_a_colleague(office: Any, desk: Callable[..., Any]) -> None:
    lead, today = desk("org_reviewer"), office.exchange.today.isoformat()
    lead.post("/console/sharing/delegations", {"to": "a.member", "since": today, "until": today, "words": "出差"})
    assert "请说明" not in lead.get("/console/sharing/delegations").text
    lead.post("/console/sharing/delegations", {"to": "a.analyst", "since": today, "until": today, "words": "出差"})
    page = lead.get("/console/sharing/delegations").text
    ended = re.search(r'name="end" value="([^"]+)"', page)
    assert ended
    assert "某" in page
    lead.post("/console/sharing/delegations", {"end": ended[1]})
    assert 'name="end"' not in lead.get("/console/sharing/delegations").text


def test_a_demand_goes_from_wish_to_duty(office: Any, desk: Callable[..., Any], resources: dict[str, str]) -> None:
    steward, reviewer = desk("steward"), desk("bureau_reviewer")
    looked = steward.post("/console/demands/new", {"title": "医疗机构", "do": "look"}).text
    assert f"/console/sharing/ask?resource={resources[THEIRS]}" in looked
    assert "请填写" in steward.post("/console/demands/new", {"title": "医疗机构校验结果"}).text
    wished, supplied = (str(office.exchange.today + timedelta(days=days)) for days in (65, 54))
    facts = {"items": "机构名称、校验结论", "purpose": "service", "use": "确认合作医院资质", "wished_by": wished}
    made = steward.post("/console/demands/new", {"title": "医疗机构校验结果", **facts})
    here = made.headers["location"]
    assert "撤回" in steward.get(here).text
    assert here in reviewer.get("/console/demands").text
    reviewer.post(here, {"move": "return", "words": "请写明依据"})
    assert "修改后重新提交" in steward.get(here).text
    again = here.rsplit("/", 1)[1]
    assert "医疗机构校验结果" in steward.get(f"/console/demands/new?again={again}").text
    steward.post("/console/demands/new", {"title": "医疗机构校验结果", **facts, "again": again, "words": "已写明"})
    reviewer.post(here, {"move": "pass"})
    hints = reviewer.get(here).text
    assert "可供参考" in hints
    assert f'href="/console/catalog/{resources[THEIRS]}"' in hints, "whoever matches it sees what the catalog has"
    assert "可供参考" not in steward.get(here).text
    look = {"move": "dispatch", "do": "plan"}
    assert "会怎样" in reviewer.post(here, {**look, "org": "education"}).text
    assert 'role="alert"' in reviewer.post(here, {**look, "org": "nobody"}).text
    assert "确认是数源" not in steward.get(here).text, "nothing was changed"
    reviewer.post(here, {"move": "dispatch", "org": "education"})
    assert "确认是数源" in steward.get(here).text
    steward.post(here, {"move": "confirm", "supply_by": supplied})
    assert here in steward.get("/console/demands?show=duties").text
    steward.post(here, {"move": "complete", "resource": resources[OURS]})
    steward.post(here, {"move": "evaluate", "evaluation": "matched"})
    page = steward.get(f"{here}?lang=en").text
    assert "supplied" in page
    assert "met" in page
    assert steward.get("/console/demands/file?lang=zh-CN").content[:2] == b"PK"


def test_who_stands_in_looks_first_and_moves_what_was_shown(
    office: Any, desk: Callable[..., Any], resources: dict[str, str]
) -> None:
    asker, reviewer = desk("analyst"), desk("bureau_reviewer")
    wished, supplied = (str(office.exchange.today + timedelta(days=days)) for days in (65, 54))
    facts = {"items": "床位数", "purpose": "service", "use": "安排转诊", "wished_by": wished}
    here = asker.post("/console/demands/new", {"title": "医院床位", **facts}).headers["location"]
    reviewer.post(here, {"move": "pass"})
    lost = reviewer.post(here, {"move": "match", "do": "plan", "resource": "res_none", "words": "目录已有"})
    assert (lost.status_code, 'role="alert"' in lost.text) == (200, True), "the page stays with what is wrong"
    assert 'value="目录已有"' in lost.text
    assert 'value="res_none"' in lost.text
    reviewer.post(here, {"move": "dispatch", "org": "education"})
    draft = PersonDraft(login="b.member", name="某科员", org_id="education", roles=frozenset({Role.MEMBER}))
    member, code = office.access.add_person(SYSTEM, draft)
    signed = office.access.change_password(office.access.sign_in("b.member", code, "tests").actor, code, PASSWORD)
    office.access.sign_out(signed.token)
    away = office.access.person(SYSTEM, "a.steward").as_actor(None)
    today = office.exchange.today
    given = office.exchange.delegate(away, member.login, today, today, "出差")
    mine = type(asker)(TestClient(asker.client.app, base_url="https://testserver", follow_redirects=False))
    assert mine.post("/console/sign-in", {"login": "b.member", "password": PASSWORD}).status_code == 303
    shown = mine.get(here)
    assert (shown.status_code, "可供参考" in shown.text) == (200, True), shown.text
    order = {"supply_by": supplied, "words": "分两批供"}
    looked = mine.post(here, {"move": "confirm", "do": "plan", **order}).text
    form = re.search(r"<details open>(?:(?!</details>).)*确认是数源.*?</details>", looked, re.DOTALL)
    assert form, "what was looked at is open"
    assert f'type="date" value="{supplied}"' in form[0], "what is confirmed is the day that was shown"
    assert 'value="分两批供"' in form[0]
    denied = mine.post(here, {"move": "deny", "do": "plan", "org": "health", "words": "归卫健委"}).text
    opened = re.findall(r"<details open>(.*?)</details>", denied, re.DOTALL)
    assert [re.search(r'name="move" value="(\w+)"', one)[1] for one in opened] == ["deny"]
    office.exchange.end_delegation(away, given.id)
    mine.client.close()


def test_what_comes_after_a_grant_has_its_pages(
    office: Any, desk: Callable[..., Any], resources: dict[str, str]
) -> None:
    from beijiang.exchange import DisputeMove, Item, RequestDraft, Terms, Way
    from beijiang.protection import Handling
    from beijiang.protection.models import rowquery

    lead, steward, today, ours = desk("org_reviewer"), desk("steward"), office.exchange.today, resources[OURS]
    terms = Terms(
        items=(Item("盟市", Handling.AS_IS),), ways=frozenset({Way.API}), since=today, until=today + timedelta(days=30)
    )
    draft = RequestDraft(
        resource_id=ours, terms=terms, purpose="service", use="安排校医巡诊路线和频次", basis="学校卫生工作条例"
    )
    grant = office.exchange.give(person("org_reviewer", "education"), "health", draft, "年度合作")
    office.exchange.rows(person("analyst", "health"), OURS, rowquery.RowQuery(size=10))
    office.ratings.rate(person("analyst", "health"), ours, 3, "更新慢")
    assert f"/console/recall?resource={ours}" in lead.get(f"/console/grants/{grant.id}").text
    assert "★★★" in lead.get(f"/console/ratings/{ours}").text
    lead.post(f"/console/ratings/{ours}", {"org": "health", "words": "下月改为每日"})
    assert "下月改为每日" in lead.get(f"/console/ratings/{ours}").text

    looked = lead.get(f"/console/recall?resource={ours}").text
    version = re.search(r'name="version" value="(\d+)"', looked)
    assert version
    order = {"resource": ours, "version": [version[1]], "remedy": "delete"}
    planned = lead.post("/console/recall", {**order, "do": "plan"}).text
    assert "暂停提供" in planned
    assert "卫计委" in planned
    assert "请说明理由" in lead.post("/console/recall", {**order, "do": "recall"}).text
    made = lead.post("/console/recall", {**order, "reason": "面积单位有误", "do": "recall"}).headers["location"]
    assert "面积单位有误" in lead.get(made).text
    assert made in lead.get("/console/recalls").text
    assert steward.get("/console/recall", params={"resource": ours}).status_code == 403
    lead.post(made, {"org": "health", "do": "excuse", "words": "系统已下线"})
    assert "已免除" in lead.get(made).text

    theirs = resources[THEIRS]
    asked = steward.get(f"/console/dispute?kind=type&subject={theirs}").text
    assert "对共享类型的异议" in asked
    assert "国务院令第809号" in asked, "the ground of law"
    assert "没有期限" in asked, "no time runs against an entry"
    here = steward.post("/console/dispute", {"kind": "type", "subject": theirs, "words": "名录应当公开"}).headers[
        "location"
    ]
    assert here in steward.get("/console/disputes?show=open").text
    assert "撤回" in steward.get(here).text
    office.disputes.move(person("org_reviewer", "health"), here.rsplit("/", 1)[1], DisputeMove.KEEP, "含未公开信息")
    steward.post(here, {"move": "appeal", "words": "请裁定"})
    reviewer = desk("bureau_reviewer")
    assert here in reviewer.get("/console/disputes").text
    assert "提出异议时施行的是：政务数据共享条例（国务院令第809号）" in reviewer.get(here).text
    reviewer.post(here, {"move": "decide", "outcome": "partly", "basis": "条例第九条", "words": "名称和地址应共享"})
    page = steward.get(here).text
    assert "条例第九条" in page
    assert "部分成立" in page
    assert "目录须在期限内按结果修改并重新发布" in page
    assert f'href="/console/catalog/{theirs}"' in page


def test_a_standard_is_issued_and_claimed_on_pages(
    office: Any, desk: Callable[..., Any], resources: dict[str, str]
) -> None:
    lead, theirs = desk("org_reviewer"), resources[OURS]
    unit = office.access.add_organisation(
        SYSTEM, OrganisationDraft(id="county-education", name_zh="某旗教育局", name_en="A county", admin_tier=3)
    )
    assert f"/console/template?resource={theirs}" in lead.get(f"/console/catalog/{theirs}").text
    assert "旗县级" in lead.get(f"/console/template?resource={theirs}").text
    order = {"resource": theirs, "tier": ["3"], "words": "旗教育局"}
    planned = lead.post("/console/template", {**order, "do": "plan"}).text
    assert "某旗教育局" in planned
    assert "请说明理由" in lead.post("/console/template", {**order, "do": "issue"}).text
    assert "没有符合条件的下级部门" in lead.post("/console/template", {**order, "words": "没有", "do": "plan"}).text
    here = lead.post("/console/template", {**order, "basis": "教办发〔2026〕1号", "do": "issue"}).headers["location"]
    page = lead.get(here).text
    assert "待认领" in page
    (task,) = office.templates.template(SYSTEM, here.rsplit("/", 1)[1]).tasks
    assert task.org_id == unit.id
    draft = PersonDraft(login="a.county", name="某旗专员", org_id=unit.id, roles=frozenset({Role.STEWARD}))
    _, code = office.access.add_person(SYSTEM, draft)
    fresh = office.access.sign_in(draft.login, code, "tests")
    office.access.sign_out(office.access.change_password(fresh.actor, code, PASSWORD).token)
    steward = desk("county")
    assert f"/console/claims/{task.id}" in steward.get("/console/templates").text
    assert "新建目录" in steward.get(f"/console/claims/{task.id}").text
    steward.post(f"/console/claims/{task.id}", {"move": "decline", "words": "无学校"})
    assert "退回认领" in lead.get(f"/console/claims/{task.id}").text
    seen = re.findall(r'name="seen" value="([^"]+)"', lead.get(f"/console/claims/{task.id}").text)[0]
    lead.post(f"/console/claims/{task.id}", {"move": "back", "words": "有两所"})
    assert "退回认领" in lead.get(f"/console/claims/{task.id}").text, "nothing was seen"
    lead.post(f"/console/claims/{task.id}", {"move": "back", "words": "有两所", "seen": seen})
    made = steward.post(f"/console/claims/{task.id}", {"move": "claim"}).headers["location"]
    assert OURS in steward.get(made).text
    assert "目录与标准一致" in steward.get(f"/console/claims/{task.id}").text
    lead.post(f"{here}/retire", {"words": "试用结束"})
    assert "已废止" in lead.get(here).text


def test_what_is_downloaded_in_a_package_is_traced(
    office: Any, desk: Callable[..., Any], resources: dict[str, str]
) -> None:
    steward, lead = desk("steward"), desk("bureau_publisher")
    today = office.exchange.today
    terms = Terms(
        items=(Item("名称", Handling.AS_IS), Item("面积", Handling.AS_IS)),
        ways=frozenset({Way.FILE}),
        since=today,
        until=today + timedelta(days=30),
    )
    draft = RequestDraft(
        resource_id=resources[THEIRS],
        terms=terms,
        purpose="service",
        use="核对校医院名录，安排体检服务",
        basis="学校卫生工作条例第六条",
    )
    given = office.exchange.give(person("org_reviewer", "health"), "education", draft, "按会议纪要")
    assert f"/console/packages?table={quote(THEIRS)}" in steward.get(f"/console/grants/{given.id}").text
    shown = steward.post("/console/packages", data={"table": THEIRS, "form": "csv"})
    assert shown.headers["cache-control"] == "no-store"
    password = re.search(r"([A-Z2-9]{5}-){4}[A-Z2-9]{5}", shown.text)
    link = re.search(r"/console/packages/pkg_\w+", shown.text)
    assert password is not None
    assert link is not None
    assert password[0] not in steward.get("/console/packages").text
    package = pyzipper.AESZipFile(io.BytesIO(steward.get(link[0]).content))
    package.setpassword(password[0].encode())
    content = package.read(next(name for name in package.namelist() if name.endswith(".csv")))
    wrong = steward.post("/console/packages", data={"table": OURS, "form": "csv"})
    assert "没有可下载文件的授权" in wrong.text
    assert "文件溯源" in lead.get("/console/trace").text
    headers = {"Accept": "text/html", "Origin": "https://testserver"}
    found = lead.client.post(
        "/console/trace", data={"_csrf": lead.token()}, files={"file": ("x.csv", content)}, headers=headers
    )
    assert json.loads(package.read("manifest.json"))["receipt"] in found.text
    assert "行序与这次提供相符" in found.text
    nothing = lead.client.post(
        "/console/trace", data={"_csrf": lead.token()}, files={"file": ("x.csv", b"a\n1\n")}, headers=headers
    )
    assert "无法判定" in nothing.text


def test_a_push_is_planned_registered_followed_and_ended(
    office: Any, desk: Callable[..., Any], resources: dict[str, str], postgres_url: str
) -> None:
    import sqlalchemy as sa

    from beijiang.exchange import GranteeKind, Item, RequestDraft, Terms, Way
    from beijiang.outbound import Target, Use
    from beijiang.protection import Handling

    steward, today = desk("steward"), office.exchange.today
    terms = Terms(
        items=(Item("名称", Handling.AS_IS), Item("面积", Handling.AS_IS)),
        ways=frozenset({Way.PUSH}),
        since=today,
        until=today + timedelta(days=30),
    )
    draft = RequestDraft(
        resource_id=resources[THEIRS],
        terms=terms,
        purpose="service",
        use="核对校医院名录，安排体检服务",
        basis="学校卫生工作条例第六条",
        grantee_kind=GranteeKind.ORGANISATION,
    )
    grant = office.exchange.give(person("org_reviewer", "health"), "education", draft, "双方约定用途")
    url = sa.make_url(postgres_url)
    folder = str(url.query["host"])
    office.sources.allow(SYSTEM, Target(folder=folder, uses=frozenset({Use.PUSH})), "目标库的套接字")
    assert f"/console/push?grant={grant.id}" in steward.get(f"/console/grants/{grant.id}").text
    assert f"/console/push?grant={grant.id}" in steward.get("/console/pushes").text
    for kind in ("mysql", "s3", "sftp", "webhook"):
        assert 'name="option:' in steward.get("/console/push", params={"grant": grant.id, "kind": kind}).text
    form = {
        "grant": grant.id, "kind": "postgresql", "name": "业务库", "target": "clinics", "mode": "changes", "timing": "release",
        "option:host": folder, "option:database": url.database, "option:user": url.username, "option:tls": "off",
    }  # fmt: skip
    planned = steward.post("/console/push", {**form, "do": "plan"}).text
    assert "首次推送 40 行" in planned
    assert "每次全量推送" in planned, "the table has no key"
    assert "目标表名" in steward.post("/console/push", {**form, "target": 'a"b', "do": "plan"}).text
    made = steward.post("/console/push", {**form, "do": "add"}).headers["location"]
    until(lambda: "已送达" in steward.get(made).text)  # the office is at work: its own threads deliver
    seen = steward.get(made).text
    assert "一致" in seen
    assert steward.post(made, {"do": "pause", "words": "维护"}).status_code == 303
    assert "维护" in steward.get(made).text
    steward.post(made, {"do": "resume"})
    steward.post(made, {"do": "end"})
    assert "已结束" in steward.get(made).text


def test_a_grant_for_sql_says_how_to_connect(office: Any, desk: Callable[..., Any], resources: dict[str, str]) -> None:
    steward, today = desk("steward"), office.exchange.today
    asked = form(resources[THEIRS], today, "名称", way=["sql"], where="", do="keep")
    assert steward.post("/console/sharing/ask", asked).headers["location"] == "/console/sharing/basket"
    number = re.search(r'name="chosen" value="(req_[a-z0-9]+)"', steward.get("/console/sharing/basket").text)
    assert number
    steward.post("/console/sharing/basket", {"chosen": [number[1]], "do": "submit"})
    grant = f"/console/grants/{office.exchange.request(SYSTEM, number[1]).request.grant_id}"
    assert "Flight SQL 没有启用" in steward.get(grant).text
    office.flight.listens("grpc+tls://data.example:31337")
    try:
        page = steward.get(grant).text
        health = next(one for one in office.health.examine() if one.name == "flight")
    finally:
        office.flight.leaves("grpc+tls://data.example:31337")
    assert 'flight.connect("grpc+tls://data.example:31337"' in page
    assert THEIRS in page
    assert "data.example:31337" in health.text.en
    assert health.ok


def test_a_grant_for_intersection_shows_how_and_what_was_told(
    office: Any, desk: Callable[..., Any], resources: dict[str, str]
) -> None:
    steward, today = desk("steward"), office.exchange.today
    quotas = {"calls": "50", "rows": "5000"}
    asked = form(resources[THEIRS], today, "名称", way=["overlap", "common"], where="", do="keep", **quotas)
    assert steward.post("/console/sharing/ask", asked).headers["location"] == "/console/sharing/basket"
    number = re.search(r'name="chosen" value="(req_[a-z0-9]+)"', steward.get("/console/sharing/basket").text)
    assert number
    steward.post("/console/sharing/basket", {"chosen": [number[1]], "do": "submit"})
    grant_id = office.exchange.request(SYSTEM, number[1]).request.grant_id
    grant, holder = f"/console/grants/{grant_id}", office.access.person(SYSTEM, "a.steward").as_actor(None)
    assert f"beijiang exchange intersect {grant_id} LIST.csv --common" in steward.get(grant).text
    began = office.intersections.begin(holder, grant_id, 12)
    page = steward.get(grant).text
    assert "准备对方集合" in page
    steward.post(f"{grant}/intersections/{began.id}", {})
    assert "已放弃或过期" in steward.get(grant).text
    assert "given up" in steward.get(f"{grant}?lang=en").text
    steward.get(f"{grant}?lang=zh-CN")
