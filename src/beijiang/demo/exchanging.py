"""What exchange does in the demo: a standard entry claimed below, a department's service called, rows pushed, questions answered."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from beijiang.catalog import Entry, OpenType, ResourceEdit, ShareMethod, ShareType, State
from beijiang.catalog import Item as CatalogItem
from beijiang.demo.far_side import CITIES, HOST
from beijiang.demo.sharing import CODE, LEAD, TABLE, decide, terms_of
from beijiang.exchange import (
    ClaimState,
    PushDeliveryState,
    PushDraft,
    RequestDraft,
    ServiceDraft,
    ServiceSpec,
    ServiceState,
    TemplateDraft,
    Way,
)
from beijiang.kit import SYSTEM, Unavailable
from beijiang.outbound import Target, Use
from beijiang.protection import read_where

if TYPE_CHECKING:
    from collections.abc import Callable

    from beijiang.build import Platform
    from beijiang.catalog import Resource
    from beijiang.demo.far_side import FarSide
    from beijiang.exchange import Request
    from beijiang.kit import Actor

__all__ = ["BELOW", "add_claims", "add_pushes", "add_questions", "add_service", "close_far_side", "open_far_side"]

BELOW: Final = {"baotou": "gov-150200", "ordos": "gov-150600"}
"""Units below that answer for themselves in the demo, by the last word of their steward's login."""
_SILENT: Final = "gov-150100"
"""A unit that has not answered yet, so that a running deadline is seen."""
_SOURCE: Final = "environment"
"""Whose systems the far side plays."""
_SERVICE: Final = "排污许可信息查询"
_PUSH: Final = "污染源监管系统"
_ASKER: Final = "commerce_admin"
_CALLER: Final = "industry"
_WAIT: Final = 120.0
_FIELDS: Final = (
    ("许可证编号", "permit", "排污许可证的编号"),
    ("单位名称", "holder", "持有许可证的排污单位"),
    ("盟市", "city", "单位所在盟市"),
    ("管理类别", "kind", "重点管理或简化管理"),
    ("有效期至", "until", "许可证的最后一日"),
)
"""Item, path in the answer, meaning."""


def open_far_side(platform: Platform, far_side: FarSide, actor: Callable[[str], Actor]) -> None:
    """Let the department's systems be reached where they listen now; what knew them elsewhere is told."""
    sources = platform.sources
    security = actor("secadmin")
    known = [one for one in sources.targets(security) if (one.host, one.org_id) == (HOST, _SOURCE)]
    for one in known:
        if one.port != far_side.port:
            sources.close_target(security, one.id)
    if all(one.port != far_side.port for one in known):
        target = Target(
            host=HOST,
            port=far_side.port,
            network=f"{HOST}/32",
            uses=frozenset({Use.CALL, Use.PUSH}),
            org_id=_SOURCE,
            plain_http=True,
        )
        sources.allow(security, target, "演示：本机扮演的生态环境厅业务系统")
    _follow(platform, far_side, actor(f"steward.{_SOURCE}"))


def close_far_side(platform: Platform) -> None:
    """Close the address with the far side: whoever listens there afterwards is brought no rows and asked nothing."""
    for one in platform.sources.targets(SYSTEM):
        if (one.host, one.org_id) == (HOST, _SOURCE):
            platform.sources.close_target(SYSTEM, one.id)


def _follow(platform: Platform, far_side: FarSide, steward: Actor) -> None:
    """Bring push and service to the address where they are now."""
    url = f"{far_side.base}/receive"
    for push in platform.pushes.pushes(steward)[0]:
        if push.name == _PUSH and push.options.get("url") != url:
            platform.pushes.change(steward, push.id, options={"url": url, "secret": far_side.push_secret})
    for service in platform.offered.services(steward)[0]:
        if service.name != _SERVICE or service.state in {ServiceState.PAUSED, ServiceState.RETIRED}:
            continue
        if platform.offered.view(steward, service.id).version.spec.base_url != far_side.base:
            draft = _service(service.resource_id, far_side)
            platform.offered.change(steward, service.id, draft, far_side.call_secret)
            if service.state is ServiceState.OFFERED:  # what is not yet, the build tests and offers
                platform.offered.test(steward, service.id)
                platform.offered.offer(steward, service.id)


def add_claims(platform: Platform, actor: Callable[[str], Actor]) -> None:
    """Issue an entry as the standard for three cities: one claims it, one says that it has no such data, one is yet to answer."""
    templates, resource = platform.templates, platform.catalog.resource_for_table(TABLE)
    if resource is None or not resource.is_serving:
        return
    lead = actor(LEAD)
    made = next((one for one, _ in templates.templates(lead) if one.resource_id == resource.id), None)
    if made is None:
        basis = "自治区政务数据资源目录编制工作方案（演示）"
        orgs = frozenset({*BELOW.values(), _SILENT})
        made = templates.issue(lead, TemplateDraft(resource_id=resource.id, orgs=orgs, basis=basis))
    for name, org in BELOW.items():
        task = next(one for one in templates.template(lead, made.id).tasks if one.org_id == org)
        if task.state is not ClaimState.OPEN:
            continue
        if name == "baotou":
            templates.claim(actor(f"steward.{name}"), task.id)
        else:
            templates.decline(actor(f"steward.{name}"), task.id, "用电数据由供电公司直接报送自治区，本市不掌握。")


def add_service(platform: Platform, far_side: FarSide, actor: Callable[[str], Actor]) -> None:
    """Put the permits that a department answers for behind the gate, and have another department ask for some."""
    services, steward, caller = platform.offered, actor(f"steward.{_SOURCE}"), actor(f"steward.{_CALLER}")
    resource = _service_entry(platform, actor)
    service = services.behind(steward, resource.id)
    if service is None:
        service = services.register(steward, _service(resource.id, far_side), far_side.call_secret)
    if service.state is ServiceState.DRAFT:
        services.test(steward, service.id)
    if service.state is not ServiceState.OFFERED:
        services.offer(steward, service.id)
    ways = frozenset({Way.SERVICE})
    request = _asked(platform, caller, resource.id, ways) or _ask(
        platform,
        caller,
        RequestDraft(
            resource_id=resource.id,
            terms=terms_of(platform, tuple(item for item, *_ in _FIELDS), ways),
            purpose="supervision",
            use="核对重点用能企业是否持有有效的排污许可证。",
            basis="节约能源法第十二条",
            contact="演示节能监察科",
        ),
    )
    stats = services.view(caller, service.id).stats
    if request.grant_id is not None and (stats is None or not stats.calls):
        for city in CITIES[:3]:
            services.call(caller, service.id, {"city": city})
        services.call(caller, service.id, {"city": CITIES[1], "kind": "重点管理"})


def add_pushes(platform: Platform, far_side: FarSide, actor: Callable[[str], Actor]) -> None:
    """Have what was granted brought to the consumer's own system, and see that it has arrived."""
    pushes, steward = platform.pushes, actor(f"steward.{_SOURCE}")
    grants, _ = platform.exchange.grants(steward)
    grant = next((one for one in grants if one.table == TABLE and Way.PUSH in one.terms.ways), None)
    if grant is None:
        return
    made = next((one for one in pushes.pushes(steward)[0] if one.name == _PUSH), None)
    if made is None:
        options = {"url": f"{far_side.base}/receive", "secret": far_side.push_secret}
        made = pushes.add(steward, PushDraft(grant_id=grant.id, name=_PUSH, kind="webhook", options=options))
    last = time.monotonic() + _WAIT
    while not any(one.state is PushDeliveryState.DONE for one in pushes.view(steward, made.id).deliveries):
        if time.monotonic() > last:
            raise Unavailable("演示推送没有送达。", "The demo's push did not arrive.", code="demo_push_failed")
        pushes.run_due()
        time.sleep(0.1)


def add_questions(platform: Platform, actor: Callable[[str], Actor]) -> None:
    """Let a department ask yes or no, and how many, about rows that it may not have."""
    exchange, resource = platform.exchange, platform.catalog.resource_for_table(TABLE)
    if resource is None or not resource.is_serving:
        return
    asker, ways = actor(f"steward.{_ASKER}"), frozenset({Way.VERIFY, Way.COUNT})
    request = _asked(platform, asker, resource.id, ways) or _ask(
        platform,
        asker,
        RequestDraft(
            resource_id=resource.id,
            terms=terms_of(platform, (CODE, "盟市"), ways, calls_per_day=100),
            purpose="supervision",
            use="登记注册时核验企业是否为本地重点用能单位，并掌握各盟市数量，不取得名单。",
            basis="市场主体登记管理条例第十五条",
            contact="演示登记注册科",
        ),
    )
    if request.state.is_over and request.grant_id is not None:
        return
    request = decide(platform, actor, request, "只答是否和数量，不出名单，可以。")
    if request.grant_id is not None:
        exchange.verify(asker, TABLE, {CODE: "91150000MA0DEMO001", "盟市": CITIES[0]})
        for city in CITIES[:2]:
            exchange.count(asker, TABLE, [read_where(f"盟市={city}")])


def _asked(platform: Platform, asker: Actor, resource_id: str, ways: frozenset[Way]) -> Request | None:
    """Return what an earlier start asked for."""
    made, _ = platform.exchange.requests(SYSTEM)
    return next(
        (o for o in made if (o.org_id, o.draft.resource_id) == (asker.org_id, resource_id) and o.offered.ways == ways),
        None,
    )


def _ask(platform: Platform, asker: Actor, draft: RequestDraft) -> Request:
    exchange = platform.exchange
    waiting = [one for one in exchange.basket(asker) if one.draft.resource_id == draft.resource_id]
    return exchange.submit(asker, [(waiting[0] if waiting else exchange.put(asker, draft)).id])[0]


def _service_entry(platform: Platform, actor: Callable[[str], Actor]) -> Resource:
    """Return the published entry that the service stands behind."""
    catalog, steward = platform.catalog, actor(f"steward.{_SOURCE}")
    found = next((one for one in catalog.list(steward, org_id=_SOURCE, limit=1000) if one.entry.name == _SERVICE), None)
    if found is None:
        entry = Entry(
            name=_SERVICE,
            summary="按盟市和管理类别查询排污许可证，由生态环境厅业务系统实时应答。（演示，单位均为虚构）",
            provider_id=_SOURCE,
            categories=("207001",),
            formats=("rest_json",),
            items=tuple(CatalogItem(column=name, name=name, description=words) for name, _, words in _FIELDS),
        )
        found = catalog.register(steward, entry)
    if found.state is State.DRAFT:
        edit = ResourceEdit(
            share_type=ShareType.UNCONDITIONAL,
            share_method=ShareMethod.SERVICE,
            open_type=OpenType.NOT_OPEN,
            open_condition="只供政务部门核对，公众请在许可信息公开平台查询",
            update_cycle="1",
            contact="演示排污许可科",
        )
        catalog.edit(steward, found.id, edit)
        found = catalog.submit(steward, found.id)
    if found.state is State.PENDING_REGISTER:
        found = catalog.approve(actor("reviewer"), found.id)
    if not found.is_serving:
        found = catalog.publish(actor("publisher"), found.id)
    return found


def _service(resource_id: str, far_side: FarSide) -> ServiceDraft:
    spec: dict[str, Any] = {
        "base_url": far_side.base,
        "path": "/permits",
        "parameters": (
            {"name": "city", "item": "盟市", "required": True, "choices": CITIES},
            {"name": "kind", "item": "管理类别", "choices": ("重点管理", "简化管理")},
        ),
        "rows": "data.rows",
        "ok": "code",
        "fields": tuple(
            {"column": name, "path": path, "level": "L1", "type": "date" if path == "until" else "text"}
            for name, path, _ in _FIELDS
        ),
        "auth": "signed",
        "user": "beijiang-demo",
        "probe_minutes": 0,
        "sample": {"city": CITIES[0]},
        "contact": "演示排污许可科",
    }
    return ServiceDraft(
        resource_id=resource_id,
        name=_SERVICE,
        purpose="核对排污单位的许可证是否有效。",
        spec=ServiceSpec(**spec),
    )
