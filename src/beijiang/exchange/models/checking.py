"""What stands against terms: pure functions over an entry, the grades in force, and what is asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from beijiang.exchange.models.afar import TRAVELLING_LONGEST, TRAVELLING_WAYS
from beijiang.exchange.models.flows import Trait, longest, purposes, traits
from beijiang.exchange.models.requests import Problem
from beijiang.exchange.models.terms import ASKING, GranteeKind, Way
from beijiang.kit import Text
from beijiang.protection import ControlRule, Handling, asks

if TYPE_CHECKING:
    from beijiang.catalog import Entry, Published
    from beijiang.exchange.models.requests import RequestDraft
    from beijiang.exchange.models.terms import Terms

__all__ = ["item_problems", "levels_of", "period_problems", "travel_problems", "way_problems", "word_problems"]

USE_SHORTEST: Final = 10
COLUMNS_MOST: Final = 2000
FILTERS_MOST: Final = 30
VERIFY_FEWEST: Final = 2
"""Items that a verification compares at least: one alone would tell who is in a table."""
_WRITTEN: Final = {
    "use": "用途说明",
    "basis": "履职依据",
    "system": "使用系统",
    "contact": "联系方式",
    "impact": "影响评估",
}
AHEAD_MOST: Final = 90
"""Days from now on which a grant may begin at the latest; what comes later is a decision of its own."""


def levels_of(known: Published) -> Mapping[str, str]:
    """Return the grade of each item: as it was published or as it is in force, whichever is stricter."""
    return {
        item.column: max(str(item.level or "L1"), known.grades.get(item.column, "L1"))
        for item in known.version.entry.items
    }


def item_problems(entry: Entry, levels: Mapping[str, str], terms: Terms, impact: str, today: date) -> list[Problem]:
    """Return what stands against the items and rows of terms.

    Controls are those of the day on which it begins, and never of one that has gone by. A condition shows the values of its column as they are, so a consumer may only make one on an item asked for as it is.
    """
    if not terms.items:
        return [Problem("no_items", Text("请选择数据项", "choose the items"))]
    found = [problem for asked in terms.items for problem in _of_item(entry, levels, asked.column, terms, today)]
    raw = {asked.column for asked in terms.items if asked.handling is Handling.AS_IS}
    for name in dict.fromkeys(one.column for one in terms.filters):
        if name not in raw:
            text = Text("行条件只能用申请原值的数据项", "a condition needs the item to be asked for as it is")
            found.append(Problem("filter_not_asked", text, name))
    if Way.VERIFY in terms.ways and len(terms.items) < VERIFY_FEWEST:
        text = Text(
            f"核验至少要 {VERIFY_FEWEST} 个数据项一起比对", f"a verification compares {VERIFY_FEWEST} items at least"
        )
        found.append(Problem("verify_few", text))
    if Trait.SENSITIVE in traits(entry, terms, levels, today, cross_level=False) and not impact.strip():
        text = Text("含敏感数据项，请填写影响评估编号", "sensitive items: name the impact assessment")
        found.append(Problem("impact_needed", text))
    return found


def _of_item(entry: Entry, levels: Mapping[str, str], column: str, terms: Terms, today: date) -> list[Problem]:
    item = entry.item(column)
    if item is None:
        return [Problem("unknown_item", Text("目录里没有这个数据项", "the entry has no such item"), column)]
    found, basis = [], item.no_share_basis or entry.no_share_basis
    if entry.share_type_of(item).value == "not_shared" and basis:
        found.append(Problem("not_shared", Text(f"不予共享，依据：{basis}", f"not shared; basis: {basis}"), column))
    level = levels.get(column, "L1")
    if asks(ControlRule.ANSWERS_ONLY, level, max(terms.since, today)) and not terms.asks_only:
        text = Text(f"{level} 级只能核验或统计，不能取得", f"of grade {level}: it can be verified or counted, not had")
        found.append(Problem("level_4", text, column))
    if item.secret_flag:
        found.append(Problem("secret", Text("涉密，不在本平台共享", "classified; not shared here"), column))
    return found


def word_problems(draft: RequestDraft) -> list[Problem]:
    """Return what a draft does not say, and quotas that make no sense."""
    terms, found = draft.terms, []
    if draft.purpose not in purposes():
        found.append(Problem("purpose_needed", Text("请选择用途", "choose a purpose")))
    if len(draft.use.strip()) < USE_SHORTEST:
        text = Text(
            f"请说明用于哪项业务、怎样使用（至少 {USE_SHORTEST} 字）", "say in which business they are used, and how"
        )
        found.append(Problem("use_needed", text))
    if not draft.basis.strip():
        found.append(Problem("basis_needed", Text("请写明履职依据", "state the legal basis of the business")))
    if not terms.ways:
        found.append(Problem("way_needed", Text("请选择提供方式", "choose how the data are to be had")))
    if terms.ways & ASKING and terms.calls_per_day is None:
        text = Text(
            "核验、统计和隐私求交须限定每日次数", "verification, counts and intersections need a limit of calls a day"
        )
        found.append(Problem("quota_needed", text))
    if Way.COMMON in terms.ways and terms.rows_per_day is None:
        text = Text("答出哪些的隐私求交须限定每日行数", "an intersection that says which needs a limit of rows a day")
        found.append(Problem("rows_needed", text))
    if any(quota is not None and quota < 1 for quota in (terms.calls_per_day, terms.rows_per_day)):
        found.append(Problem("bad_quota", Text("每日限量须大于零", "a day's quota is above zero")))
    if len(terms.items) > COLUMNS_MOST or len(terms.filters) > FILTERS_MOST:
        text = Text("数据项或条件过多", "there are too many items or conditions")
        found.append(Problem("request_size", text))
    return found


def way_problems(terms: Terms, served: Collection[str] | None) -> list[Problem]:
    """Return what stands against the ways: a service is called and nothing else, a table is never called.

    ``served`` are the fields of the service behind the entry, None where it has a table.
    """
    if served is None:
        if Way.SERVICE not in terms.ways:
            return []
        text = Text("这个资源没有服务接口，请选择其他提供方式", "the entry has no service; choose another way")
        return [Problem("no_service", text)]
    found = []
    if terms.ways - {Way.SERVICE}:
        text = Text(
            "这个资源由提供部门的服务接口提供，方式只能选“服务接口”",
            "the entry is a service: choose the way service only",
        )
        found.append(Problem("service_only", text))
    text = Text("服务接口的应答中没有这个数据项", "the service does not answer this item")
    return [*found, *(Problem("not_served", text, one) for one in terms.columns if one not in served)]


def period_problems(terms: Terms, levels: Mapping[str, str], today: date) -> list[Problem]:
    """Return what stands against the days: order, how far ahead, how long for these grades."""
    if terms.until < max(terms.since, today):
        return [Problem("bad_period", Text("起止日期不对", "the days are not in order, or have gone by"))]
    if terms.since > today + timedelta(days=AHEAD_MOST):
        text = Text(f"最迟 {AHEAD_MOST} 天内开始", f"it begins within {AHEAD_MOST} days")
        return [Problem("too_far", text)]
    last = longest([levels[c] for c in terms.columns if c in levels] or ["L1"], max(terms.since, today))
    if terms.until > last:
        return [
            Problem("too_long", Text(f"按数据项分级，最长到 {last}", f"for these grades, until {last} at the latest"))
        ]
    return []


def travel_problems(draft: RequestDraft) -> list[Problem]:
    """Return what keeps a request from going to another node."""
    found = []
    if draft.terms.ways - TRAVELLING_WAYS:
        text = Text(
            "其他节点的数据只能以“文件下载”方式取得，文件为申请部门加密",
            "data of another node come as a file, sealed for whoever asked: choose the way file",
        )
        found.append(Problem("way_not_afar", text))
    if draft.grantee_kind is not GranteeKind.ORGANISATION:
        text = Text("跨节点的授权只给整个部门", "a grant of another node is for the whole department")
        found.append(Problem("grantee_not_afar", text))
    for name, most in TRAVELLING_LONGEST.items():
        if len(getattr(draft, name)) > most:
            text = Text(
                f"送往其他节点的“{_WRITTEN[name]}”最多 {most} 字，请写短一些",
                f"what goes to another node has at most {most} signs in “{name}”: shorten it",
            )
            found.append(Problem("too_long_afar", text))
    return found
