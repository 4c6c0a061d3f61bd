"""Services in the console: declared with a real test call, offered, asked for, tried under a grant, and watched."""

from __future__ import annotations

import html
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from beijiang.catalog import Entry, OpenType, ResourceEdit, ShareMethod, ShareType
from beijiang.catalog import Item as CatalogItem
from beijiang.exchange import ServiceDraft, ServiceSpec
from beijiang.kit import SYSTEM, Actor, ActorKind
from beijiang.outbound import Target, Use

sys.path.insert(0, str(Path(__file__).parents[1] / "exchange"))
from unruly import FIRMS, SECRET, Unruly, serving

FIELDS = [
    {"column": "企业名称", "path": "name", "required": True, "level": "L1"},
    {"column": "法定代表人电话", "path": "legal.phone"},
    {"column": "注册资本", "path": "capital", "type": "double"},
]


def person(role: str, org: str) -> Actor:
    return Actor(f"person_{role}_{org}", f"{org}的{role}", ActorKind.PERSON, org, frozenset({role}))


@pytest.fixture(scope="module")
def unruly(office: Any) -> Iterator[Unruly]:
    with serving() as server:
        office.sources.allow(
            SYSTEM,
            Target(host="127.0.0.1", port=server.port, network="127.0.0.1/32", uses=frozenset({Use.CALL})),
            "测试服务",
        )
        yield server


def entry(office: Any, org: str, name: str) -> str:
    steward = person("steward", org)
    items = tuple(CatalogItem(column=str(f["column"]), name=str(f["column"])) for f in FIELDS)
    draft = Entry(
        name=name, summary="查询", provider_id=org, categories=("207001",), formats=("rest_json",), items=items
    )
    made = office.catalog.register(steward, draft)
    edit = ResourceEdit(
        share_type=ShareType.CONDITIONAL,
        share_condition="按项审批",
        share_method=ShareMethod.SERVICE,
        open_type=OpenType.NOT_OPEN,
        open_condition="内部使用",
        update_cycle="1",
    )
    office.catalog.edit(steward, made.id, edit)
    office.catalog.submit(steward, made.id)
    office.catalog.approve(person("bureau_reviewer", "bigdata"), made.id)
    office.catalog.publish(person("bureau_publisher", "bigdata"), made.id)
    return str(made.id)


def declared(unruly: Unruly, **words: Any) -> dict[str, Any]:
    return {
        "base_url": unruly.base,
        "path": "/v1/firms",
        "parameters": [{"name": "city", "choices": ["包头市", "赤峰市"], "comment": "盟市名称"}],
        "rows": "data.rows",
        "fields": FIELDS,
        "sample": {"city": "包头市"},
        "retries": 0,
        **words,
    }


def test_a_steward_declares_tests_and_offers_a_service(office: Any, desk: Callable[..., Any], unruly: Unruly) -> None:
    steward, unruly.guard = desk("steward"), "bearer"
    resource = entry(office, "education", "校办企业查询")
    assert f"/console/services/new?resource={resource}" in steward.get(f"/console/catalog/{resource}").text
    form = steward.get(f"/console/services/new?resource={resource}").text
    assert "法定代表人电话" in form
    sent = {"resource": resource, "name": "校办企业查询", "purpose": "监管", "secret": SECRET}
    for wrong in ("{", json.dumps(declared(unruly, path="no-slash")), json.dumps({**declared(unruly), "x": 1})):
        told = steward.post("/console/services/declare", {**sent, "spec": wrong})
        assert told.status_code == 200
        assert "声明" in told.text
        assert SECRET not in told.text
    spec = json.dumps(declared(unruly, auth="bearer"), ensure_ascii=False)
    made = steward.post("/console/services/declare", {**sent, "spec": spec})
    here = made.headers["location"]
    assert re.fullmatch(r"/console/services/svc_[a-z0-9]+", here)
    page = steward.get(here).text
    assert "草稿" in page
    assert unruly.base in page
    assert SECRET not in page
    assert "没有通过测试" in steward.get(f"{here}/plan?move=service_offer").text
    unruly.mode = "two_wrong"
    failed = steward.post(f"{here}/test", {"p-city": ""}).text
    assert "注册资本: not_double × 1" in failed
    unruly.mode = "well"
    tested = steward.post(f"{here}/test", {"p-city": "包头市"}).text
    assert "通过：3 条记录" in tested
    assert FIRMS[0]["name"] not in tested
    assert "确认办理" in steward.get(f"{here}/plan?move=service_offer").text
    assert steward.post(f"{here}/move", {"move": "service_offer"}).headers["location"] == here
    assert "已提供" in steward.get(here).text
    assert "校办企业查询" in steward.get("/console/services?_only.state=offered").text
    assert steward.get(f"/console/services/new?resource={resource}").headers["location"] == here
    assert "/v1/firms" in html.unescape(steward.get(f"{here}/edit").text)
    seen = desk("analyst").get(here).text
    assert unruly.base not in seen
    assert "测试调用" not in seen
    assert desk("analyst").post(f"{here}/move", {"move": "service_pause", "words": "x"}).status_code == 404
    steward.post(f"{here}/move", {"move": "service_pause", "words": "机房检修"})
    assert "机房检修" in steward.get(here).text
    unruly.guard = ""


def test_a_service_is_asked_for_and_tried(office: Any, desk: Callable[..., Any], unruly: Unruly) -> None:
    theirs, steward, today = person("steward", "health"), desk("steward"), office.exchange.today
    resource = entry(office, "health", "医药企业查询")
    spec = ServiceSpec.model_validate(declared(unruly, failures=1))
    service = office.offered.register(theirs, ServiceDraft(resource_id=resource, name="医药企业查询", spec=spec))
    assert "只有目录" in steward.get("/console/sharing/find?q=医药企业").text
    assert office.offered.test(theirs, service.id).ok
    office.offered.offer(theirs, service.id)
    here = f"/console/services/{service.id}"
    assert "申请使用" in steward.get(here).text
    assert "没有授权" in steward.get(f"{here}/try").text
    assert f'href="/console/sharing/ask?resource={resource}"' in steward.get("/console/sharing/find?q=医药企业").text
    asked = steward.get(f"/console/sharing/ask?resource={resource}").text
    assert re.search(r'name="way" value="service" checked', asked)
    assert 'value="row_api"' not in asked
    form = {
        "resource": resource,
        "column": [f["column"] for f in FIELDS],
        "take": ["企业名称", "法定代表人电话"],
        "handling": ["as_is", "masked", "masked"],
        "way": ["service"],
        "since": today.isoformat(),
        "until": today.replace(day=28).isoformat() if today.day < 28 else today.isoformat(),
        "purpose": "service",
        "use": "核对校医院供药企业资质，安排采购",
        "basis": "学校卫生工作条例第六条",
        "impact": "评估2026-9",
        "do": "submit",
    }
    done = steward.post("/console/sharing/ask", form)
    number = done.headers["location"].rsplit("/", 1)[-1]
    for role, org in (
        ("bureau_reviewer", "bigdata"),
        ("steward", "health"),
        ("org_reviewer", "health"),
        ("bureau_publisher", "bigdata"),
    ):
        if not office.exchange.request(SYSTEM, number).request.state.is_over:
            office.exchange.approve(person(role, org), number, "同意")
    grant = office.exchange.request(SYSTEM, number).request.grant_id
    assert here in steward.get(f"/console/grants/{grant}").text
    assert "试调用" in steward.get(here).text
    answer = steward.post(f"{here}/try", {"p-city": "包头市", "grant": grant}).text
    assert "内蒙古第1商贸有限公司" in answer
    assert "138****0001" in answer
    assert "13800000001" not in answer
    assert "注册资本" not in answer
    assert unruly.base not in answer
    unruly.mode = "errors"
    told = steward.post(f"{here}/try", {"p-city": "包头市", "grant": grant}).text
    assert "没有正常应答" in told
    assert "暂时不可用" in steward.post(f"{here}/try", {"p-city": "包头市", "grant": grant}).text
    unruly.mode = "well"
    mine = steward.get(here).text
    assert "已熔断" in mine
    assert "已熔断" in steward.get("/console/services").text
    assert "健康探测" not in mine
    whole = office.offered.view(theirs, service.id)
    assert [org for org, _ in whole.consumers] == ["education"]
