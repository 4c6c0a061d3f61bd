"""The steps by which people come to a dispute, and by which it ends."""

from __future__ import annotations

from typing import Any

from exchange_bureau import Bureau

from beijiang.exchange import DisputeDraft, DisputeKind, Narrowing, Outcome
from beijiang.exchange import DisputeMove as D

NAME, CAPITAL = "企业名称", "注册资本"
BASIS = "政务数据共享条例第二十条"


def raised(bureau: Bureau, kind: DisputeKind, subject: str, by: str = "consumer") -> Any:
    draft = DisputeDraft(kind=kind, subject=subject, words="核查属法定职责")
    return bureau.platform.disputes.raise_(bureau[by], draft)


def decided(bureau: Bureau, dispute_id: str, outcome: Outcome, by: str = "reviewer", lead: str = "lead") -> Any:
    """Let a department keep its decision, and the data authority decide."""
    disputes = bureau.platform.disputes
    disputes.move(bureau[lead], dispute_id, D.KEEP, "维持")
    disputes.move(bureau["consumer"], dispute_id, D.APPEAL, "请裁定")
    return disputes.move(bureau[by], dispute_id, D.DECIDE, "应予共享", outcome=outcome, basis=BASIS)


def refused(bureau: Bureau, *columns: str) -> Any:
    """Return a request that the provider's lead refused."""
    request = bureau.asked(*(columns or (CAPITAL,)))
    for login in ("reviewer", "steward"):
        request = bureau.exchange.approve(bureau[login], request.id, "同意")
    return bureau.exchange.refuse(bureau["lead"], request.id, "不在职责内")


def partly(bureau: Bureau) -> Any:
    request = bureau.asked(NAME, CAPITAL)
    for login in ("reviewer", "steward"):
        request = bureau.exchange.approve(bureau[login], request.id, "同意")
    less = Narrowing(without=frozenset({CAPITAL}))
    return bureau.exchange.approve(bureau["lead"], request.id, "只需名称", less)
