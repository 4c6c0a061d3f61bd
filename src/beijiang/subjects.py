"""What notices are about: how a thing of each sort is looked up as a person, by the verb that its own page uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.catalog import State
from beijiang.exchange import DemandMove
from beijiang.fusion import DisputeState
from beijiang.kit import ANONYMOUS, SYSTEM, BeijiangError, NotFound, Text
from beijiang.notices import Seen
from beijiang.opendata import RegistrationState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from beijiang.kit import Actor
    from beijiang.notices import Look
    from beijiang.platform import Platform

__all__ = ["Subjects"]

_WAITS_FOR: Final = {
    State.PENDING_REGISTER: Permission.CATALOG_RESOURCE_APPROVE,
    State.PENDING_PUBLISH: Permission.CATALOG_RESOURCE_PUBLISH,
}
"""Whose turn it is with an entry."""


class Subjects:
    """Look things up for whoever is told of them.

    Whether a person may use the function at all is asked before, without a refusal on record: nobody tried to open anything.
    """

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def looks(self) -> Mapping[str, Look]:
        """Return how to look up each sort of thing."""
        return {
            "account": _account,
            "alert": self._guarded(Permission.INGEST_RUN_READ, self._alert),
            "app": self._guarded(Permission.APPS_APP_OPEN, self._app),
            "app_alert": self._guarded(Permission.APPS_APP_OPEN, self._app_alert),
            "claim": self._guarded(Permission.EXCHANGE_REQUEST_READ, self._claim),
            "client": self._guarded(Permission.APPS_CLIENT_SIGN_ON, self._client),
            "contract": self._guarded(Permission.CONTRACTS_CONTRACT_READ, self._contract),
            "dataset": self._dataset,
            "demand": self._guarded(Permission.EXCHANGE_REQUEST_READ, self._demand),
            "dispute": self._guarded(Permission.EXCHANGE_REQUEST_READ, self._dispute),
            "entry": self._entry,
            "follow": self._guarded(Permission.OPENDATA_OWN_KEEP, self._follow),
            "grant": self._guarded(Permission.EXCHANGE_GRANT_READ, self._grant),
            "job": self._guarded(Permission.JOBS_JOB_READ, self._job),
            "model": self._guarded(Permission.MINING_MODEL_READ, self._model),
            "library": self._guarded(Permission.FUSION_LIBRARY_READ, self._library),
            "node": self._guarded(Permission.FEDERATION_NODE_READ, self._node),
            "proposal": self._guarded(Permission.STANDARDS_PROPOSAL_READ, self._proposal),
            "push": self._guarded(Permission.EXCHANGE_GRANT_READ, self._push),
            "reading_alert": self._guarded(Permission.MINING_ALERT_READ, self._reading_alert),
            "recall": self._guarded(Permission.EXCHANGE_GRANT_READ, self._recall),
            "registration": self._guarded(Permission.ACCESS_MEMBER_CONFIRM, self._registration),
            "request": self._guarded(Permission.EXCHANGE_REQUEST_READ, self._request),
            "source_dispute": self._guarded(Permission.FUSION_LIBRARY_READ, self._source_dispute),
            "ticket": self._guarded(Permission.QUALITY_TICKET_READ, self._ticket),
            "voice": self._voice,
            "work": self._guarded(Permission.OPENDATA_OWN_KEEP, self._work),
        }

    def _guarded(self, permission: Permission, look: Callable[[Actor, str], Seen]) -> Look:
        def checked(actor: Actor, thing: str, /) -> Seen:
            if not self._platform.access.allows(actor, permission):
                raise _hidden()
            return look(actor, thing)

        return checked

    def _app(self, actor: Actor, thing: str) -> Seen:
        found, _ = self._platform.apps.app(actor, thing)
        return Seen(title=found.name, href=f"/console/apps/{thing}")

    def _app_alert(self, actor: Actor, thing: str) -> Seen:
        found = self._platform.app_jobs.alert(actor, thing)
        return Seen(title=found.text, href=f"/console/apps/{found.app_id}/alerts")

    def _client(self, actor: Actor, thing: str) -> Seen:
        found, _ = self._platform.clients.client(actor, thing)
        return _seen(found.facts.name, f"/console/clients/{thing}")

    def _request(self, actor: Actor, thing: str) -> Seen:
        view = self._platform.exchange.request(actor, thing)
        turn = view.may_decide or view.may_supply
        return _seen(view.request.resource_name, f"/console/sharing/requests/{thing}", turn=turn)

    def _grant(self, actor: Actor, thing: str) -> Seen:
        return _seen(self._platform.exchange.grant(actor, thing).grant.resource_name, f"/console/grants/{thing}")

    def _demand(self, actor: Actor, thing: str) -> Seen:
        view = self._platform.demands.demand(actor, thing)
        turn = bool(set(view.moves) - {DemandMove.WITHDRAW, DemandMove.URGE})
        return _seen(view.demand.draft.title, f"/console/demands/{thing}", turn=turn)

    def _dispute(self, actor: Actor, thing: str) -> Seen:
        view = self._platform.disputes.view(actor, thing)
        return _seen(view.dispute.title, f"/console/disputes/{thing}", turn=bool(view.moves))

    def _library(self, actor: Actor, thing: str) -> Seen:
        library = self._platform.fusion.library(actor, thing)
        _, waiting = self._platform.fusion.queue(actor, thing, limit=1)
        return _seen(library.name, f"/console/libraries/{thing}/pairs", turn=waiting > 0)

    def _source_dispute(self, actor: Actor, thing: str) -> Seen:
        found, claim, library = self._platform.fusion.dispute(actor, thing)
        waits = found.state is DisputeState.RAISED and found.by != actor.id
        return _seen(f"{library.name} · {claim.element}", f"/console/libraries/{library.id}/claims", turn=waits)

    def _recall(self, actor: Actor, thing: str) -> Seen:
        return _seen(self._platform.recalls.view(actor, thing).recall.resource_name, f"/console/recalls/{thing}")

    def _claim(self, actor: Actor, thing: str) -> Seen:
        return _seen(self._platform.templates.task(actor, thing).task.name, f"/console/claims/{thing}")

    def _push(self, actor: Actor, thing: str) -> Seen:
        return _seen(self._platform.pushes.view(actor, thing).push.resource_name, f"/console/pushes/{thing}")

    def _ticket(self, actor: Actor, thing: str) -> Seen:
        view = self._platform.tickets.ticket(actor, thing)
        return _seen(view.ticket.title, f"/console/tickets/{thing}", turn=bool(view.moves))

    def _entry(self, actor: Actor, thing: str, /) -> Seen:
        found = self._platform.catalog.get(actor, thing)
        needed = _WAITS_FOR.get(found.state)
        turn = needed is not None and self._platform.access.allows(actor, needed, found.entry.provider_id)
        return _seen(found.entry.name, f"/console/catalog/{thing}", turn=turn)

    def _job(self, actor: Actor, thing: str) -> Seen:
        found = self._platform.jobs.job(actor, thing)
        href = f"/console/runs/{thing}" if found.name.startswith("ingest") else "/console/jobs"
        return Seen(Text(f"作业 {found.name}", f"job {found.name}"), href)

    def _model(self, actor: Actor, thing: str) -> Seen:
        return Seen(self._platform.learning.model(actor, thing).title, f"/console/models/{thing}")

    def _alert(self, actor: Actor, thing: str) -> Seen:
        return Seen(self._platform.alerts.alert(actor, thing).text, "/console/alerts")

    def _node(self, _: Actor, thing: str) -> Seen:
        return Seen(self._platform.alerts.alert(SYSTEM, thing).text, "/console/federation#links")

    def _reading_alert(self, actor: Actor, thing: str) -> Seen:
        found = self._platform.stream_rules.alert(actor, thing)
        return Seen(found.text, f"/console/reading-alerts/{thing}", found.state.value == "new")

    def _contract(self, actor: Actor, thing: str) -> Seen:
        found = self._platform.contracts.contract(actor, thing)
        turn = found.open is not None and found.open.state.value == "proposed"
        return _seen(found.name, f"/console/contracts/{thing}", turn=turn)

    def _proposal(self, actor: Actor, thing: str) -> Seen:
        found = self._platform.registry.proposal(actor, thing)
        return _seen("、".join(found.about) or thing, f"/console/standards/proposals/{thing}")

    def _follow(self, actor: Actor, thing: str) -> Seen:
        found = self._platform.follows.one(actor, thing)
        return Seen(found.kind.text, "/follows")

    def _work(self, actor: Actor, thing: str) -> Seen:
        for one in self._platform.keepings.own_works(actor):
            if one.id == thing:
                return _seen(one.title, "/my#made")
        if self._platform.access.allows(actor, Permission.OPENDATA_PORTAL_MANAGE):
            for one in self._platform.keepings.handed_in(actor):
                if one.id == thing:
                    return _seen(one.title, "/console/works")
        raise _hidden()

    def _registration(self, actor: Actor, thing: str) -> Seen:
        found = self._platform.registrations.registration(actor, thing)
        words = Text("公众注册", "registration of the public")
        return Seen(words, "/console/members", found.state is RegistrationState.WAITING)

    def _dataset(self, actor: Actor, thing: str, /) -> Seen:
        """Look a data set up as everybody; whoever may see entries that are not public reads of a withdrawn one too."""
        try:
            name = self._platform.catalog.published(ANONYMOUS, thing).version.entry.name
        except NotFound:
            return _seen(self._platform.catalog.get(actor, thing).entry.name, f"/console/catalog/{thing}")
        return Seen(Text(name, name), f"/datasets/{thing}", public=True)

    def _voice(self, actor: Actor, thing: str, /) -> Seen:
        """Look a word of the public up as its author, else as whoever deals with it."""
        try:
            return _seen(self._platform.voices.follow(actor, thing).voice.title, "/my#said")
        except BeijiangError:
            if not self._platform.access.allows(actor, Permission.OPENDATA_VOICE_ANSWER, actor.org_id):
                raise
        view = self._platform.voices.view(actor, thing)
        return _seen(view.voice.title, f"/console/voices/{thing}", turn=view.waits)


def _account(actor: Actor, thing: str, /) -> Seen:
    if actor.id != thing:
        raise _hidden()
    return _seen(actor.name, "/my")


def _seen(title: str, href: str, *, turn: bool = True) -> Seen:
    return Seen(Text(title, title), href, turn)


def _hidden() -> NotFound:
    return NotFound(
        "没有这件事项，或者您不能查看。", "There is no such thing, or you may not see it.", code="subject_hidden"
    )
