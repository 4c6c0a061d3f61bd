"""A service of the department that holds the register of firms: its entry, declaration, offer and grants."""

from __future__ import annotations

from typing import Any

from exchange_bureau import OWNER, Bureau
from unruly import LIMIT, Unruly

from beijiang.catalog import Entry, ItemEdit, OpenType, ResourceEdit, ShareMethod, ShareType
from beijiang.catalog import Item as CatalogItem
from beijiang.exchange import ServiceDraft, ServiceSpec, Way
from beijiang.kit import new_id

COLUMNS = ("企业名称", "盟市", "法定代表人证件号码", "法定代表人电话", "注册资本", "成立日期", "在营")
FIELDS: tuple[dict[str, Any], ...] = (
    {"column": "企业名称", "path": "name", "required": True},
    {"column": "盟市", "path": "/city", "choices": ("呼和浩特市", "包头市", "赤峰市")},
    {"column": "法定代表人证件号码", "path": "legal.id"},
    {"column": "法定代表人电话", "path": "legal.phone"},
    {"column": "注册资本", "path": "capital", "type": "double"},
    {"column": "成立日期", "path": "founded", "type": "date"},
    {"column": "在营", "path": "active", "type": "boolean", "level": "L1"},
)
PARAMETERS: tuple[dict[str, Any], ...] = (
    {"name": "city", "item": "盟市", "choices": ("呼和浩特市", "包头市", "赤峰市", "通辽市")},
    {"name": "since", "type": "date"},
    {"name": "limit", "type": "integer"},
)


def spec_of(unruly: Unruly, **words: Any) -> ServiceSpec:
    facts: dict[str, Any] = {
        "base_url": unruly.base,
        "path": "/v1/firms",
        "parameters": PARAMETERS,
        "rows": "data.rows",
        "ok": "code",
        "fields": FIELDS,
        "seconds": 60,
        "retries": 0,
        "failures": 3,
        "cool_seconds": 60,
        "body_kib": LIMIT // 1024,
        "consumer_per_minute": 1000,
    }
    return ServiceSpec(**{**facts, **words})


def entry_of(bureau: Bureau, *, published: bool = True, method: ShareMethod | None = ShareMethod.SERVICE) -> str:
    """Make an entry of kind interface, without a table, and publish it as people do."""
    catalog = bureau.platform.catalog
    entry = Entry(
        name=f"企业查询服务{new_id('n')}",
        summary="按盟市查询企业登记信息",
        provider_id=OWNER,
        categories=("207001",),
        formats=("rest_json",) if method else ("pdf",),
        items=tuple(CatalogItem(column=c, name=c) for c in COLUMNS),
    )
    made = catalog.register(bureau["steward"], entry)
    edit = ResourceEdit(
        share_type=ShareType.CONDITIONAL,
        share_condition="用于监管执法，按项审批",
        share_method=method,
        open_type=OpenType.NOT_OPEN,
        open_condition="含个人信息",
        update_cycle="1",
        items=(ItemEdit(column="企业名称", share_type=ShareType.UNCONDITIONAL),),
    )
    catalog.edit(bureau["steward"], made.id, edit)
    if published:
        catalog.submit(bureau["steward"], made.id)
        catalog.approve(bureau["reviewer"], made.id)
        catalog.publish(bureau["publisher"], made.id)
    return made.id


def draft_of(bureau: Bureau, unruly: Unruly, resource: str = "", **words: Any) -> ServiceDraft:
    return ServiceDraft(
        resource_id=resource or entry_of(bureau), name="企业查询", purpose="监管", spec=spec_of(unruly, **words)
    )


def offered(bureau: Bureau, unruly: Unruly, secret: str = "", **words: Any) -> Any:
    services, steward = bureau.platform.offered, bureau["steward"]
    made = services.register(steward, draft_of(bureau, unruly, **words), secret)
    assert services.test(steward, made.id).ok
    return services.offer(steward, made.id)


def granted(bureau: Bureau, service: Any, *columns: str, by: str = "consumer", **words: Any) -> Any:
    facts: dict[str, Any] = {"ways": frozenset({Way.SERVICE}), "impact": "评估2026-1"}
    return bureau.granted(*(columns or COLUMNS[:5]), by=by, resource=service.resource_id, **{**facts, **words})
