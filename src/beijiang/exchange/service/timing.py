"""The time of a request: extended with consent, stood still for a reason, reminded of, and gone up when it is over."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.exchange.errors import changed_meanwhile, not_now
from beijiang.exchange.models import (
    PEER_ORGANISATION,
    PUBLIC,
    Held,
    Move,
    RequestQuery,
    RequestState,
    Side,
    provider_time,
)
from beijiang.exchange.service.base import said, told_of
from beijiang.exchange.service.deciding import Deciding
from beijiang.exchange.store import RequestStore, time_of
from beijiang.ingest import AlertKind
from beijiang.kit import SYSTEM, BeijiangError, Conflict, Denied, Invalid, Text
from beijiang.standards import CaseState, PauseReason, begin, deadline, extend, pause, resume

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime
    from typing import Any

    from beijiang.exchange.models import Request, RequestView, Step
    from beijiang.kit import Actor
    from beijiang.standards import Case, Deadline

__all__ = ["Timing"]

_AT_ONCE: Final = 500
"""Requests whose steps are read together."""
log = logging.getLogger(__name__)
_SUPPLEMENT: Final = "share.supplement"
_THIRD_PARTY: Final = "share.third_party"
_GIVEN_AFTER_REMINDER: Final = 2
"""Working days that whoever has to complete a request has at least after he was reminded."""
_AUTHORITY_CONSENTS: Final = "data authority"
"""Words of a rule's condition by which the data authority, and not the provider, consents to more time."""
_REASONS: Final = (PauseReason.THIRD_PARTY, PauseReason.FORCE_MAJEURE)
"""Why a reviewer lets the time stand still; for papers the request goes back to be completed."""
_GOES_UP: Final = (
    Text("", ""),
    Text("，督办至部门负责人", "; its head is told"),
    Text("，督办至数据局", "; the data authority takes it up"),
    Text("，报上级数据主管部门", "; reported to the authority above"),
)


class Timing(Deciding):
    """What is done about the limits of law while a request is worked at."""

    def extend(self, actor: Actor, request_id: str, days: int, words: str) -> Request:
        """Extend the time of the stage once, before it is due; or ask the data authority to, where the rule wants its consent.

        ``words`` say why, and who consented where that is nobody's of the platform.

        Raises:
            NotFound: no such request.
            Conflict: no limit runs, it was extended before, is due, or the authority was asked already.
            Denied: it is another's to decide.
            Invalid: more than the rule allows, or no words.

        """
        before, behalf = self._to_decide(actor, request_id)
        case, text = _running_case(before), said(words, needed=True)
        longer = self._longer(case, days, text)
        stage = before.stages[before.at_stage].id
        asks = _AUTHORITY_CONSENTS in case.extension_condition
        if asks and self._time_asked(before) is not None:
            raise Conflict(
                "已请求延期，等数据局答复。",
                "The data authority was asked already; wait for its answer.",
                code="limit_state",
            )
        move, action = (Move.ASK_TIME, "request_extend_ask") if asks else (Move.EXTEND, "request_extend")
        step = self._step(actor, before.id, move, text, stage=stage, behalf=behalf, detail={"days": days})
        after = before if asks else replace(before, case=longer, urged=0)
        return self._timed(actor, before, after, step, action)

    def answer_extension(
        self, actor: Actor, request_id: str, words: str, *, agree: bool, revision: int | None = None
    ) -> Request:
        """Consent to more time as the data authority, or not; who asked for it has no say. ``revision`` is what was looked at.

        Raises:
            NotFound: no such request.
            Conflict: nobody asked for more time, it is due by now, or somebody moved the request.
            Denied: it is another's to consent, or the actor asked.
            Invalid: no words.

        """
        before = self._seen(actor, request_id)
        self.access.require(actor, Permission.EXCHANGE_REQUEST_CONFIRM, before.provider_id)
        if revision is not None and revision != before.revision:
            raise changed_meanwhile()
        asked, text = self._time_asked(before), said(words, needed=True)
        if asked is None:
            raise Conflict("没有人请求延期。", "Nobody asked for more time.", code="limit_state")
        if not self._may_consent(actor, before, asked):
            raise Denied(
                "请求延期的人和申请人不能自己同意。", "Who asked for more time, or for the data, does not consent to it.",
                code="own_request",
            )  # fmt: skip
        days = int(asked.detail["days"])
        after = before
        if agree:
            case = self._longer(_running_case(before), days, text)
            after = replace(before, case=case, urged=0)
        move, action = (Move.EXTEND, "request_extend") if agree else (Move.DENY_TIME, "request_extend_deny")
        step = self._step(actor, before.id, move, text, stage=asked.stage, detail={"days": days})
        return self._timed(actor, before, after, step, action)

    def pause(self, actor: Actor, request_id: str, reason: PauseReason, words: str) -> Request:
        """Let the time of a stage stand still while a third party is heard, or for what nobody can help.

        Raises:
            NotFound: no such request.
            Conflict: no limit runs, the rule allows no pause, or it stands still already.
            Denied: it is another's to decide.
            Invalid: another reason than these (``pause_reason``), or no words.

        """
        before, behalf = self._to_decide(actor, request_id)
        if reason not in _REASONS:
            raise Invalid(
                "须申请人补正的，请用“一次性告知补正”；中止只限征求第三方意见和不可抗力。",
                "For papers of the applicant ask to complete it; time stands still for a third party and force majeure only.",
                code="pause_reason",
            )
        stage, text = before.stages[before.at_stage].id, said(words, needed=True)
        case = pause(_running_case(before), reason, self.today)
        detail = {"reason": reason.value}
        step = self._step(actor, before.id, Move.SUSPEND, text, stage=stage, behalf=behalf, detail=detail)
        return self._timed(actor, before, replace(before, case=case), step, "request_pause")

    def resume_time(self, actor: Actor, request_id: str, words: str) -> Request:
        """Let the time of a stage run on: by who decides it, or by the data authority.

        Raises:
            NotFound: no such request.
            Conflict: no stage of it is worked at, or its time does not stand still.
            Denied: it is another's.
            Invalid: no words.

        """
        before = self._seen(actor, request_id)
        if before.stage is None:
            raise not_now(before.state)
        if not self.access.allows(actor, Permission.EXCHANGE_REQUEST_REVIEW, before.provider_id):
            self._to_decide(actor, request_id)
        case = resume(_running_case(before), self.today)
        step = self._step(actor, before.id, Move.RESUME, said(words, needed=True), stage=before.stage.id)
        return self._timed(actor, before, replace(before, case=case), step, "request_resume")

    def request(self, actor: Actor, request_id: str) -> RequestView:
        """Return one request with its history, its time, and what the actor may do.

        Raises:
            NotFound: no such request, or not this actor's to see.

        """
        view = super().request(actor, request_id)
        asked = _asked_in(view.request, view.steps)
        right = self.access.allows(actor, Permission.EXCHANGE_REQUEST_CONFIRM, view.request.provider_id)
        consents = asked is not None and right and self._may_consent(actor, view.request, asked)
        return replace(view, time_asked=asked, may_consent=consents)

    def held_by_providers(self, actor: Actor) -> Sequence[Held]:
        """Return how long each provider had each request of this node's that came to it, and when it was done with it.

        Those without a limit are left out. A provider is done when it passed a request on to the data authority, decided or
        refused it; an answer that was taken up again by the authority is its answer all the same.
        """
        self.access.require(actor, Permission.EXCHANGE_REQUEST_READ)
        orgs, every = self._orgs(actor, Permission.EXCHANGE_REQUEST_READ)
        found = []
        with self.db.read() as connection:
            store = RequestStore(connection)
            asked = store.find(RequestQuery(limit=None), orgs, actor.id, every=every)[0]
            asked = [one for one in asked if one.case is not None and one.outward is None]
            for start in range(0, len(asked), _AT_ONCE):
                steps = store.steps_of([one.id for one in asked[start : start + _AT_ONCE]])
                found += [self._held_by_provider(one, steps[one.id]) for one in asked[start : start + _AT_ONCE]]
        return [one for one in found if one is not None]

    def _held_by_provider(self, request: Request, steps: Sequence[Step]) -> Held | None:
        had = provider_time(request, steps)
        if had is None or request.case is None:
            return None
        came, answered = had
        since = came.astimezone(self.parts.zone).date()
        own = self._provider_case(request, request.case, came)
        if own is None:
            return None
        own = replace(own, began=came, answered=None, pauses=tuple(one for one in own.pauses if one.since >= since))
        time = deadline(own, answered or self.clock.now(), self.parts.standards.calendar, self.parts.zone)
        return Held(request, time.last_day, answered)

    def _provider_case(self, request: Request, case: Case, came: datetime) -> Case | None:
        """Return the clock of a provider's stages: the one that was kept, unless that is by now of another topic, as of an appeal."""
        topic = next(stage.limit for stage in request.stages if stage.side is Side.PROVIDER)
        if case.rule_id.startswith(f"{topic}."):
            return case
        rule = self.parts.standards.limit(topic, request.provider_id) if topic else None
        return None if rule is None else begin(rule, came)

    def _timed(self, actor: Actor, before: Request, after: Request, step: Step, action: str) -> Request:
        with self.db.begin() as tx:
            done = self._save(tx, actor, before, after, step, action)
        if after is not before:
            self._quiet(done)
        return done

    def _longer(self, case: Case, days: int, consent: str) -> Case:
        return extend(case, days, self.clock.now(), self.parts.standards.calendar, self.parts.zone, consent)

    def _time_asked(self, request: Request) -> Step | None:
        with self.db.read() as connection:
            return _asked_in(request, RequestStore(connection).steps(request.id))

    @staticmethod
    def _may_consent(actor: Actor, request: Request, asked: Step) -> bool:
        return actor.id not in {asked.by, asked.detail.get("behalf"), request.by}

    # By itself

    def _follow(self, request: Request, written: Mapping[str, Any] | None) -> None:
        """Remind of a request, let it go up, or end a pause that lasted long enough."""
        standing = self._deadline(request)
        self._keep_time(request, standing, written)
        try:
            if request.state is RequestState.SUPPLEMENT:
                self._remind_applicant(request)
            elif standing is not None and request.state.is_under_review:
                self._remind(request, standing)
        except Conflict as error:
            log.info("a request was moved by somebody else: %s", error.reason)
        except BeijiangError:
            log.exception("a request could not be followed; it will be tried again")

    def _keep_time(self, request: Request, standing: Deadline | None, written: Mapping[str, Any] | None) -> None:
        """Write down how a time stands where that moved without anybody's step: a calendar came, or it stands still."""
        if written is not None and written != time_of(standing):
            with self.db.begin() as tx:
                RequestStore(tx.connection).write_time(request, standing)

    def _remind(self, request: Request, standing: Deadline) -> None:
        if standing.state is CaseState.PAUSED:
            self._end_pause(request)
            return
        stage = told_of(standing, self.clock.now())
        if stage > request.urged and standing.state is not CaseState.ANSWERED:
            self._urge(request, standing, stage)

    def _urge(self, request: Request, standing: Deadline, stage: int) -> None:
        overdue = standing.state is CaseState.OVERDUE
        due, name, to_whom = standing.last_day, request.resource_name, _GOES_UP[standing.step]
        words = (
            Text(
                f"共享申请“{name}”已超过 {due} 的期限{to_whom.zh}。",
                f"The request for {name} was due on {due}{to_whom.en}.",
            )
            if overdue
            else Text(f"共享申请“{name}”须在 {due} 前办理。", f"The request for {name} is due on {due}.")
        )
        move, action = (Move.ESCALATE, "request_escalate") if overdue else (Move.URGE, "request_urge")
        whose = self._waits_for(request)
        to = self._goes_to(whose, request.provider_id, standing.step)
        detail = {"to": to, "step": standing.step} if overdue else {"to": to}
        at = "" if request.stage is None else request.stage.id
        step = self._step(SYSTEM, request.id, move, words.zh, stage=at, detail=detail)
        with self.db.begin() as tx:
            self._save(tx, SYSTEM, request, replace(request, urged=stage), step, action)
        kind = AlertKind.REQUEST_OVERDUE if overdue else AlertKind.REQUEST
        self.parts.alerts.renew(kind, request.id, to, words)

    def _end_pause(self, request: Request) -> None:
        """Let a time run on that stood still for a third party as long as that may take."""
        case = _running_case(request)
        rule = self.parts.standards.limit(_THIRD_PARTY, request.provider_id)
        last = case.pauses[-1]
        if rule is None or last.reason is not PauseReason.THIRD_PARTY:
            return
        if self.today <= self.parts.standards.due(last.since, int(rule.value)).on:
            return
        at = "" if request.stage is None else request.stage.id
        step = self._step(SYSTEM, request.id, Move.RESUME, "征求第三方意见的期限已到，恢复计时。", stage=at)
        self._timed(SYSTEM, request, replace(request, case=resume(case, self.today)), step, "request_resume")

    def _remind_applicant(self, request: Request) -> None:
        """Remind who has to complete a request; one that is not completed in time counts as taken back."""
        with self.db.read() as connection:
            steps = RequestStore(connection).steps(request.id)
        standing = self._supplement(request, steps)
        if standing is None:
            return
        stage, last = told_of(standing, self.clock.now()), standing.last_day
        if standing.state is CaseState.OVERDUE and request.outward is None:
            reminded = _reminded_in(steps)
            if reminded is not None:
                given = self.parts.standards.due(
                    reminded.at.astimezone(self.parts.zone).date(), _GIVEN_AFTER_REMINDER
                ).on
                if self.today > given:
                    self._lapse(request, max(last, given))
                return
            last = self.parts.standards.due(self.today, _GIVEN_AFTER_REMINDER).on
        elif stage <= request.urged:
            return
        words = Text(
            f"共享申请“{request.resource_name}”须在 {last} 前补正，逾期视为撤回。",
            f"The request for {request.resource_name} is to be completed by {last}, or it counts as withdrawn.",
        )
        step = self._step(SYSTEM, request.id, Move.URGE, words.zh, detail={"to": request.org_id})
        with self.db.begin() as tx:
            self._save(tx, SYSTEM, request, replace(request, urged=stage), step, "request_remind")
        if request.org_id != PUBLIC and not request.org_id.startswith(PEER_ORGANISATION):
            self.parts.alerts.renew(AlertKind.REQUEST, request.id, request.org_id, words)

    def _supplement(self, request: Request, steps: Sequence[Step]) -> Deadline | None:
        """Return by when a request is to be completed; None where no rule says so."""
        rule = self.parts.standards.limit(_SUPPLEMENT, request.provider_id)
        asked = next((step.at for step in reversed(steps) if step.move is Move.ASK_MORE), None)
        if rule is None or asked is None:
            return None
        return deadline(begin(rule, asked), self.clock.now(), self.parts.standards.calendar, self.parts.zone)

    def _lapse(self, request: Request, last: date) -> None:
        words = f"未在 {last} 前补正，视为撤回。仍需使用的，请重新申请。"
        after = self._ended(request, RequestState.WITHDRAWN)
        step = self._step(SYSTEM, request.id, Move.WITHDRAW, words)
        self._timed(SYSTEM, request, after, step, "request_lapse")


def _running_case(request: Request) -> Case:
    if request.case is None:
        raise Conflict("此环节没有时限。", "No limit runs for this stage.", code="limit_state")
    return request.case


def _reminded_in(steps: Sequence[Step]) -> Step | None:
    """Return the newest reminder since the request was last sent back to be completed."""
    last = next((step for step in reversed(steps) if step.move in {Move.ASK_MORE, Move.URGE}), None)
    return last if last is not None and last.move is Move.URGE else None


def _asked_in(request: Request, steps: Sequence[Step]) -> Step | None:
    """Return the step that asked for more time in the stage that is worked at, unless it was answered."""
    at = "" if request.stage is None else request.stage.id
    of_time = {Move.ASK_TIME, Move.EXTEND, Move.DENY_TIME}
    last = next((step for step in reversed(steps) if step.move in of_time), None)
    return last if last is not None and at and last.move is Move.ASK_TIME and last.stage == at else None
