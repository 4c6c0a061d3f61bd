"""More counts of a person's home: what the public, other departments and other administrators wait for.

Each count comes from the verb that fills the list which it leads to, narrowed by the same words in the address.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.apps import ClientState
from beijiang.assess import AppealState, Light, TaskState
from beijiang.console.counting import Tile, TileKind
from beijiang.kit import HOW_MANY, Text, Wanted
from beijiang.opendata import WorkState
from beijiang.standards import ProposalState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beijiang.access import ApiKey
    from beijiang.apps import Client
    from beijiang.assess import Appeal, Lit
    from beijiang.build import Platform
    from beijiang.console.counting import Maker
    from beijiang.kit import Actor

__all__ = ["DUTIES", "clients_waiting", "ending_keys", "open_appeals", "plan_tasks"]

ENDS_IN: Final = timedelta(days=30)


def plan_tasks(found: Sequence[Lit], show: str, org: str) -> list[Lit]:
    """Return the tasks of all plans that are on red (``late``) or wait to be confirmed (``reported``), of one department or all."""
    late = show == "late"
    wanted = [one for one in found if (one.light is Light.RED if late else one.task.state is TaskState.REPORTED)]
    return [one for one in wanted if not org or org in {*one.task.leads, *one.task.joint}]


def clients_waiting(found: Sequence[Client]) -> list[Client]:
    """Return the applications that wait for a reviewer: new ones, and changes of those that run."""
    return [one for one in found if one.state is ClientState.SUBMITTED or one.proposed]


def open_appeals(found: Sequence[Appeal]) -> list[Appeal]:
    """Return the appeals that nobody has answered."""
    return [one for one in found if one.state is AppealState.OPEN]


def ending_keys(platform: Platform, found: Sequence[ApiKey]) -> list[ApiKey]:
    """Return the keys that are good and end within thirty days."""
    now = platform.clock.now()
    return [one for one in found if one.revoked_at is None and now < one.expires_at <= now + ENDS_IN]


def _voices(platform: Platform, actor: Actor) -> Iterator[Tile]:
    words = Text("公众来件待办", "words of the public to answer")
    yield Tile(TileKind.WAITING, words, platform.voices.count_waiting(actor), "/console/voices?show=mine")


def _recalls(platform: Platform, actor: Actor) -> Iterator[Tile]:
    waiting = {duty.recall_id for duty in platform.recalls.waiting(actor)}
    yield Tile(TileKind.WAITING, Text("召回待确认", "recalls to confirm"), len(waiting), "/console/recalls?show=mine")


def _members(platform: Platform, actor: Actor) -> Iterator[Tile]:
    count = platform.registrations.registrations(actor)[1]
    yield Tile(TileKind.WAITING, Text("公众注册待核实", "registrations to check"), count, "/console/members")


def _works(platform: Platform, actor: Actor) -> Iterator[Tile]:
    count = len(platform.keepings.handed_in(actor, WorkState.WAITING))
    yield Tile(TileKind.WAITING, Text("利用成果待审", "works to look at"), count, "/console/works")


def _clients(platform: Platform, actor: Actor) -> Iterator[Tile]:
    count = len(clients_waiting(platform.clients.clients(actor)))
    words = Text("外部应用待审", "outside applications to review")
    yield Tile(TileKind.WAITING, words, count, "/console/clients?show=waiting")


def _plan(platform: Platform, actor: Actor) -> Iterator[Tile]:
    found = platform.plan.tasks(actor)
    manages = platform.access.allows(actor, Permission.ASSESS_PLAN_MANAGE)
    if manages:
        words = Text("督办任务待确认办结", "plan tasks reported as done")
        yield Tile(TileKind.WAITING, words, len(plan_tasks(found, "reported", "")), "/console/plan?show=reported")
    org = "" if manages else actor.org_id or ""
    href = "/console/plan?show=late" + (f"&org={org}" if org else "")
    yield Tile(TileKind.LATE, Text("督办任务亮红灯", "plan tasks on red"), len(plan_tasks(found, "late", org)), href)


def _appeals(platform: Platform, actor: Actor) -> Iterator[Tile]:
    count = len(open_appeals(platform.assess.appeals(actor)))
    words = Text("考核申诉待答复", "appeals to answer")
    yield Tile(TileKind.WAITING, words, count, "/console/assess-appeals?show=open")


def _proposals(platform: Platform, actor: Actor) -> Iterator[Tile]:
    count = platform.registry.proposal_part(actor, ProposalState.OPEN, HOW_MANY).found
    words = Text("标准提案待审", "proposals of standards to decide")
    yield Tile(TileKind.WAITING, words, count, "/console/standards/proposals")


def _pairs(platform: Platform, actor: Actor) -> Iterator[Tile]:
    lines = platform.fusion.library_part(actor, Wanted(limit=None, counted=False)).rows
    words = Text("疑似重复待判定", "pairs of records to decide")
    yield Tile(TileKind.WAITING, words, sum(one.waiting for one in lines), "/console/libraries?_sort=-waiting")


def _holds(platform: Platform, actor: Actor) -> Iterator[Tile]:
    count = len(platform.holds.to_decide(actor))
    yield Tile(TileKind.WAITING, Text("证据保全待我确认", "holds that I confirm"), count, "/console/holds")


def _keys(platform: Platform, actor: Actor) -> Iterator[Tile]:
    count = len(ending_keys(platform, platform.access.keys(actor, actor.id)))
    words = Text("30 天内到期的密钥", "my keys that end in 30 days")
    yield Tile(TileKind.CHANGED, words, count, "/console/keys?ending=soon")


def _models(platform: Platform, actor: Actor) -> Iterator[Tile]:
    if not platform.access.allows(actor, Permission.MINING_MODEL_APPROVE, actor.org_id):
        return
    count = len(platform.learning.to_approve(actor))
    yield Tile(TileKind.WAITING, Text("模型待审批", "models to approve"), count, "/console/models?show=waiting")


def _cards(platform: Platform, actor: Actor) -> Iterator[Tile]:
    if not platform.access.allows(actor, Permission.MINING_MODEL_APPROVE, actor.org_id):
        return
    count = len(platform.forecasts.to_approve(actor))
    words = Text("预测的模型卡待审批", "cards of forecasts to approve")
    yield Tile(TileKind.WAITING, words, count, "/console/forecasts?show=waiting")


DUTIES: Final[tuple[tuple[Permission, Maker], ...]] = (
    (Permission.OPENDATA_VOICE_ANSWER, _voices),
    (Permission.EXCHANGE_GRANT_READ, _recalls),
    (Permission.ACCESS_MEMBER_CONFIRM, _members),
    (Permission.OPENDATA_PORTAL_MANAGE, _works),
    (Permission.APPS_CLIENT_REVIEW, _clients),
    (Permission.ASSESS_PLAN_READ, _plan),
    (Permission.ASSESS_SCORE_MANAGE, _appeals),
    (Permission.STANDARDS_ENTRY_APPROVE, _proposals),
    (Permission.FUSION_PAIR_DECIDE, _pairs),
    (Permission.MINING_MODEL_READ, _models),
    (Permission.MINING_FORECAST_READ, _cards),
    (Permission.EVIDENCE_HOLD_SET, _holds),
    (Permission.ACCESS_KEY_ISSUE, _keys),
)
