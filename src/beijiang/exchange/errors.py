"""What may go wrong in exchange; every error says what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beijiang.kit import Conflict, Denied, Invalid, NotFound, Refused, Text, Throttled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from beijiang.exchange.models import Problem, RequestState
    from beijiang.kit import Word

__all__ = [
    "bad_department",
    "changed_meanwhile",
    "data_moved",
    "departments_many",
    "grant_ended",
    "items_changed",
    "no_application",
    "no_delegation",
    "no_delivery",
    "no_demand",
    "no_grant",
    "no_opening",
    "no_push",
    "no_request",
    "no_service",
    "not_its_matter",
    "not_now",
    "not_ready",
    "not_the_askers",
    "nothing_to_share",
    "other_purpose",
    "own_request",
    "push_stopped",
    "reason_needed",
    "refusal_reason",
    "used_up",
]


def no_request() -> NotFound:
    """Return the error for a request that is unknown or hidden."""
    return NotFound(
        "没有这件共享申请，或者您无权查看。请在“数据共享”中查找。",
        "There is no such request, or it is not yours to see. Look under Sharing.",
        code="request_not_found",
    )


def not_its_matter(why: Text | None = None) -> Refused:
    """Return the error for a request between nodes that is not the matter of the node that spoke, or was spoken to."""
    said = why or Text(
        "这件申请不是这个节点能办理或答复的：数据须在本节点，答复须来自受理节点。",
        "This request is not that node's to decide or answer: the data have to be here, and the answer from where it was asked.",
    )
    return Refused(said.zh, said.en, code="not_its_matter")


def no_delivery() -> NotFound:
    """Return the error for a delivery of a push that is unknown or hidden."""
    return NotFound("没有这次交付。", "There is no such delivery.", code="push_delivery_not_found")


def no_grant() -> NotFound:
    """Return the error for a grant that is unknown or hidden."""
    return NotFound(
        "没有这项授权，或者您无权查看。请在“数据共享 · 授权”中查找。",
        "There is no such grant, or it is not yours to see. Look under Sharing, Grants.",
        code="grant_not_found",
    )


def no_service() -> NotFound:
    """Return the error for a service that is unknown or hidden."""
    return NotFound(
        "没有这个服务接口，或者您无权查看。请在“服务接口”中查找。",
        "There is no such service, or it is not yours to see. Look under Services.",
        code="service_not_found",
    )


def no_demand() -> NotFound:
    """Return the error for a demand that is unknown or hidden."""
    return NotFound(
        "没有这件数据需求，或者您无权查看。请在“数据需求”中查找。",
        "There is no such demand, or it is not yours to see. Look under Demands.",
        code="demand_not_found",
    )


def bad_department() -> Invalid:
    """Return the error for a department that is not there, or is the one that denies."""
    return Invalid("请选择另一个部门。", "Choose another department.", code="bad_department")


def no_delegation() -> NotFound:
    """Return the error for a delegation that is not there, or not one's own."""
    return NotFound("没有这项代办授权。", "There is no such delegation.", code="delegation_not_found")


def changed_meanwhile() -> Conflict:
    """Return the error for a matter that somebody else moved first."""
    return Conflict(
        "他人刚刚办理了此件，请刷新后再操作。",
        "Somebody else has just moved this; load it again.",
        code="exchange_changed",
    )


def not_now(state: RequestState) -> Conflict:
    """Return the error for a step that is not possible where a request stands."""
    return Conflict(
        f"申请现为“{state.text.zh}”，不能这样办理。请刷新页面查看可办的步骤。",
        f"The request is {state.text.en}; this is not possible now. Load it again to see what is.",
        code="request_state",
        detail={"state": state.value},
    )


def departments_many(most: int) -> Refused:
    """Return the error for one more department of another node than may ask here."""
    return Refused(
        f"该节点已有 {most} 个部门在本节点申请，不再接受新的部门。请由已有的部门申请，或联系受理节点的数据局。",
        f"{most} departments of that node ask here; no other is taken. Let one of them ask, or call the data authority there.",
        code="departments_many",
        detail={"most": most},
    )


def not_the_askers(moves: Sequence[Word]) -> Invalid:
    """Return the error for a move in a dispute that is for the other side, or for the authority there, to make."""
    return Invalid(
        f"这一步由对方办理。申请部门可以：{'、'.join(one.text.zh for one in moves)}。",
        f"That is for the other side to do. The department that asked may: {', '.join(one.value for one in moves)}.",
        code="not_the_askers",
        detail={"possible": [one.value for one in moves]},
    )


def items_changed(problems: Sequence[Problem]) -> Conflict:
    """Return the error for items that may not be given any more, as they are graded and shared now."""
    zh = "；".join(f"{p.column}：{p.text.zh}" if p.column else p.text.zh for p in problems)
    en = "; ".join(f"{p.column}: {p.text.en}" if p.column else p.text.en for p in problems)
    return Conflict(
        f"提交之后，数据项的分级或共享类型有变化：{zh}。请收窄去掉这些项，或一次性告知补正，或不同意。",
        f"Grades or kinds of sharing changed since it was handed in: {en}. Take these items out, send it back, or refuse it.",
        code="items_changed",
        detail={"problems": [{"code": p.code, "column": p.column} for p in problems]},
    )


def data_moved() -> Conflict:
    """Return the error for a request whose data are held at another place than when it was handed in."""
    return Conflict(
        "提交之后，这个资源的数据换了存放处（数据表或所在节点）。审核人请一次性告知补正或不同意；申请人请撤回后重新申请。",
        "Since it was handed in, the data have come to be held elsewhere: another table, or another node. A reviewer sends it back or refuses it; who asked withdraws it and asks anew.",
        code="data_moved",
    )


def nothing_to_share() -> Invalid:
    """Return the error for an entry without rows here to share."""
    return Invalid(
        "这个资源还没有可共享的数据表或服务接口。可以提出数据需求。",
        "This resource has no table and no service to share yet. State a demand for it.",
        code="nothing_to_share",
    )


def no_application() -> NotFound:
    """Return the error for an application of the public that is unknown or another's."""
    return NotFound(
        "没有这件申请。请在“我的”中查看您的申请。",
        "There is no such application. Look at yours on your page.",
        code="application_not_found",
    )


def no_opening() -> NotFound:
    """Return the error for a set that is unknown, or not open on conditions."""
    return NotFound(
        "没有这个有条件开放的数据集。请在门户的数据目录中按“有条件开放”查找。",
        "There is no such set open on conditions. Look in the catalog of the portal for those that are.",
        code="opening_not_found",
    )


def refusal_reason(known: Mapping[str, Text]) -> Invalid:
    """Return the error for a refusal to the public without a reason of the list."""
    return Invalid(
        f"不同意公众申请须选择公布用的理由：{'、'.join(f'{code}（{text.zh}）' for code, text in known.items())}。",
        f"To refuse an application of the public, name the reason that is published: {', '.join(known)}.",
        code="refusal_reason",
        detail={"offered": [*known]},
    )


def own_request() -> Denied:
    """Return the error for somebody who would decide twice, or on what they asked for themselves."""
    return Denied(
        "不能审批自己提出的申请，也不能在同一件申请中审批两个环节。请由另一人办理。",
        "Nobody decides on a request of their own, nor at two stages of one request. Another person has to.",
        code="own_request",
    )


def not_ready(problems: Sequence[Problem]) -> Invalid:
    """Return the error that tells everything that stands against handing in."""
    zh = "；".join(f"{p.column}：{p.text.zh}" if p.column else p.text.zh for p in problems)
    en = "; ".join(f"{p.column}: {p.text.en}" if p.column else p.text.en for p in problems)
    return Invalid(
        f"还不能提交：{zh}",
        f"It cannot be handed in yet: {en}",
        code="request_incomplete",
        detail={"problems": [{"code": p.code, "column": p.column} for p in problems]},
    )


def reason_needed() -> Invalid:
    """Return the error for a decision without words."""
    return Invalid("请说明理由。", "A reason is needed.", code="reason_needed")


def other_purpose(stated: str, held: Sequence[str]) -> Denied:
    """Return the error for a purpose that no grant of the reader's is for."""
    known = "、".join(dict.fromkeys(held))
    return Denied(
        f"您在这张表上的授权不是为“{stated[:40]}”给出的。授权用途：{known or '无'}。请为这个用途另行申请。",
        f'No grant of yours on this table is for "{stated[:40]}". Granted: {known or "nothing"}. Ask for it for this purpose.',
        code="other_purpose",
    )


def used_up(what: str) -> Throttled:
    """Return the error for a grant whose day's quota is used up."""
    zh, en = ("调用次数", "calls") if what == "calls" else ("行数", "rows")
    return Throttled(
        f"今日的授权{zh}已用完，明日零时恢复；需要更多请申请变更授权。",
        f"The {en} that the grant allows for today are used up; it goes on at midnight. Ask for more with a new request.",
        code=f"grant_{what}",
    )


def grant_ended() -> Throttled:
    """Return the error for a grant that ended in this very moment."""
    return Throttled("授权刚刚终止。", "The grant ended just now.", code="grant_ended")


def no_push() -> NotFound:
    """Return the error for a push that is unknown or hidden."""
    return NotFound(
        "没有这个推送，或者您无权查看。请在“数据共享 · 推送”中查找。",
        "There is no such push, or it is not yours to see. Look under Sharing, Pushes.",
        code="push_not_found",
    )


def push_stopped() -> Conflict:
    """Return the error for a delivery that is broken off because its push does not go on."""
    return Conflict(
        "推送已暂停或停止，这次交付已中断，目标处没有改变。",
        "The push was paused or stopped; the delivery was broken off, and nothing changed at the far side.",
        code="push_stopped",
    )
