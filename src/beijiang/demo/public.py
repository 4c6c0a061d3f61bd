"""The public of the demo region: two applications for a set that is open on conditions, and two portals of cities."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beijiang.demo.sharing import LEAD, TABLE
from beijiang.exchange import PUBLIC, ApplicationDraft, ConditionsDraft, Item, RequestQuery, Way
from beijiang.kit import ANONYMOUS, SYSTEM
from beijiang.opendata import PortalDraft, RegistrationDraft, Standing
from beijiang.protection import Handling
from beijiang.standards import uscc_check_character

if TYPE_CHECKING:
    from collections.abc import Callable

    from beijiang.build import Platform
    from beijiang.demo.people import People
    from beijiang.kit import Actor

__all__ = ["REGIONS", "add_city_portals", "add_openings"]

REGIONS: Final = {"公交站点": "150100", "森林防火瞭望点": "150200"}
"""Tables of the demo region that are of one city, for its portal."""
_CODE: Final = "91150000MA0DEM0A5"
_COLUMNS: Final = ("行业门类", "盟市", "统计月份")
_DAYS: Final = 180


def add_openings(platform: Platform, people: People) -> None:
    """Set conditions, let a business and a researcher apply, and decide on the first of them."""
    exchange, openings = platform.exchange, platform.openings
    resource = platform.catalog.resource_for_table(TABLE)
    if resource is None or not resource.is_serving:
        return
    if openings.conditions(ANONYMOUS, resource.id).version == 0:
        openings.set_conditions(people.actor(LEAD), resource.id, _conditions())
    asked = {one.by_name for one in exchange.requests(SYSTEM, RequestQuery(org_id=PUBLIC))[0]}
    for name, login, standing, words in (
        ("演示能源科技公司", "energy", Standing.BUSINESS, ("product", "做一张分行业的用电景气图，按月更新。")),
        ("演示研究员", "scholar", Standing.PERSON, ("research", "研究各盟市用电与产业结构的关系，写成论文。")),
    ):
        if name in asked:
            continue
        code = _CODE + uscc_check_character(_CODE) if standing is Standing.BUSINESS else ""
        draft = RegistrationDraft(login=login, name=name, contact="0471-0000000", standing=standing, credit_code=code)
        made = platform.registrations.register(ANONYMOUS, draft)
        platform.registrations.admit(people.actor("reviewer"), made.registration.id)
        applicant = people.take_in(made.registration.login, name, made.code)
        request = openings.apply(applicant, _application(platform, resource.id, *words))
        exchange.approve(people.actor("reviewer"), request.id, "材料齐全。")
        if standing is Standing.BUSINESS:
            _decide(platform, people.actor, request.id)


def add_city_portals(platform: Platform, actor: Actor) -> None:
    """Set up the portals of Hohhot and Baotou."""
    known = {one.code for one in platform.portals.portals(ANONYMOUS)}
    for draft in (
        PortalDraft(
            code="hohhot",
            name_zh="呼和浩特市",
            name_en="Hohhot",
            header_mn="ᠬᠥᠬᠡᠬᠣᠲᠠ",
            region_code="150100",
            colour="#6b3fa0",
            contact="演示：呼和浩特市数据管理科",
        ),
        PortalDraft(
            code="baotou",
            name_zh="包头市",
            name_en="Baotou",
            header_mn="ᠪᠤᠭᠤᠲᠤ",
            region_code="150200",
            colour="#0a5a3c",
            contact="演示：包头市数据管理科",
        ),
    ):
        if draft.code not in known:
            platform.portals.put(actor, draft)


def _decide(platform: Platform, actor: Callable[[str], Actor], request_id: str) -> None:
    """Let provider and authority agree, as far as its items need them."""
    request = platform.exchange.approve(actor(LEAD), request_id, "同意。")
    if not request.state.is_over:
        platform.exchange.approve(actor("publisher"), request_id, "同意。")


def _conditions() -> ConditionsDraft:
    return ConditionsDraft(
        who="经实名确认的研究人员，以及在自治区登记的企业。",
        purposes=frozenset({"research", "product", "public_interest"}),
        ways=frozenset({Way.PAGE, Way.API, Way.FILE}),
        duties="加密保存；不得披露或推断单个企业的用电；到期删除。",
        months=12,
        agreement="数据只用于申请写明的用途；成果须注明来源；发现泄露立即报告；提供部门可随时暂停或撤销。（演示）",
    )


def _application(platform: Platform, resource_id: str, purpose: str, use: str) -> ApplicationDraft:
    levels = platform.openings.offered_items(ANONYMOUS, resource_id)
    today = platform.exchange.today
    return ApplicationDraft(
        resource_id=resource_id,
        items=tuple(Item(c, Handling.AS_IS if levels[c] == "L1" else Handling.MASKED) for c in _COLUMNS if c in levels),
        ways=frozenset({Way.PAGE, Way.API, Way.FILE}),
        since=today,
        until=today + timedelta(days=_DAYS),
        purpose=purpose,
        use=use,
        products="公开发布的图表或论文，附数据来源和版本。",
        measures="只存放在加密的服务器上，限两人访问，到期删除。",
        agreed=platform.openings.conditions(ANONYMOUS, resource_id).digest,
    )
