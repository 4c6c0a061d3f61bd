"""Every verb by which somebody decides on what another proposed says how it is bound to what was shown; a new one fails here."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import fields
from enum import StrEnum

import pytest

from beijiang.access import Permission
from beijiang.build import build
from beijiang.settings import Settings

VERB = re.compile(r"(agree|approve|confirm\w*|countersign|decide\w*|endorse|publish|review)")


class Bound(StrEnum):
    """How a decision is kept to what was shown."""

    SEEN = "seen"
    """The token of all parts comes with it (``kit.Shown``)."""
    REVISION = "revision"
    """The number of what was looked at comes with it."""
    NUMBER = "number"
    """It names a version that never changes."""
    OWN = "own"
    """It answers about the actor's own matter, or finishes the actor's own work: nobody else's proposal is decided on."""
    FIXED = "fixed"
    """What it names never changes once it is proposed; ``FIXED`` says why."""
    SEALED = "shown"
    """What was shown comes back sealed by the platform itself, to the person to whom it was shown only."""
    NONE = "none"
    """It reads, proposes, takes back or ends something, or acts on what is in force: it decides on no proposal."""


DECIDES = re.compile(r".*:(agree|approve|confirm|decide|endorse|publish|release|review)")

FIXED = {
    "Assess.decide_appeal": "an appeal is written once, about a mark and its facts as they were then",
    "Assess.decide_weights": "proposed weights are a version of their own; another proposal is the next version",
    "Fusion.confirm_source": "a declaration is written once; another basis is another declaration",
    "Fusion.rule": "an objection is written once; another is another one",
    "Holds.confirm": "what is held and on what basis is written once; another asking is another hold",
    "Laws.approve": "a proposal is written once, and an entry that got another version meanwhile refuses it",
    "Registrations.admit": "a registration is written once; another is another one",
    "Subscriptions.decide": "another plan is another subscription, beside the one in force until it is approved",
}

BY_PERMISSION = {
    "Access.admit_member": Bound.NONE,
    "AppCanaries.begin": Bound.NUMBER,
    "AppCanaries.promote": Bound.SEEN,
    "AppCanaries.withdraw": Bound.NONE,
    "AppServers.clear": Bound.NONE,
    "AppServers.hold": Bound.NONE,
    "AppServers.let_run": Bound.NONE,
    "AppServers.restart": Bound.NONE,
    "Apps.apps": Bound.NONE,
    "Apps.audience": Bound.NUMBER,
    "Apps.costs": Bound.NONE,
    "Apps.release": Bound.NUMBER,
    "Apps.rollback": Bound.NUMBER,
    "Apps.switch": Bound.NONE,
    "Catalog.reindex": Bound.NONE,
    "Catalog.return_for_mending": Bound.NONE,
    "Clients.clients": Bound.NONE,
    "Clients.switch": Bound.NONE,
    "Contracts.bind": Bound.NONE,
    "Contracts.retire": Bound.NONE,
    "Contracts.send_back": Bound.NONE,
    "Contracts.unbind": Bound.NONE,
    "Demands.similar": Bound.NONE,
    "Exchange.answer_extension": Bound.REVISION,
    "Exchange.request": Bound.NONE,
    "Exchange.resume_time": Bound.NONE,
    "Figures.to_decide": Bound.NONE,
    "Forecasts.to_approve": Bound.NONE,
    "Fusion.end": Bound.NONE,
    "Fusion.merge": Bound.SEEN,
    "Fusion.propose": Bound.NONE,
    "Fusion.remap": Bound.NONE,
    "Fusion.revoke": Bound.NONE,
    "Fusion.rule": Bound.FIXED,
    "Fusion.take_out": Bound.SEEN,
    "Harvests.trust": Bound.NONE,
    "Laws.send_back": Bound.NONE,
    "Learning.to_approve": Bound.NONE,
    "Monitors.look": Bound.NONE,
    "Monitors.set_monitor": Bound.NONE,
    "Private.offers": Bound.NONE,
    "Private.shown": Bound.NONE,
    "Protection.grading": Bound.NONE,
    "Protection.lowerings": Bound.NONE,
    "PublicFigures.close": Bound.NONE,
    "PublicFigures.open": Bound.NONE,
    "Quality.release": Bound.SEEN,
    "RatingsOfApps.hide": Bound.NONE,
    "RatingsOfApps.of": Bound.NONE,
    "RatingsOfApps.show": Bound.NONE,
    "Registrations.admit": Bound.FIXED,
    "Registrations.contact": Bound.NONE,
    "Registrations.refuse": Bound.NONE,
    "Registrations.registration": Bound.NONE,
    "Registrations.registrations": Bound.NONE,
}
"""What is not called a decision, but asks for a right to decide; so that no other name escapes."""

REVIEWS = {
    "Apps.review": Bound.NUMBER,
    "Assess.decide_appeal": Bound.FIXED,
    "Assess.decide_weights": Bound.FIXED,
    "Catalog.approve": Bound.SEEN,
    "Catalog.decide_together": Bound.SEEN,
    "Catalog.endorse": Bound.SEEN,
    "Catalog.publish": Bound.SEEN,
    "Clients.review": Bound.SEEN,
    "Contracts.approve": Bound.SEEN,
    "Exchange.approve": Bound.REVISION,
    "Figures.decide": Bound.SEEN,
    "Follows.confirm": Bound.OWN,
    "Forecasts.decide_card": Bound.SEEN,
    "Fusion.agree": Bound.SEEN,
    "Fusion.confirm_source": Bound.FIXED,
    "Fusion.decide": Bound.SEEN,
    "Harvests.decide": Bound.OWN,
    "Holds.confirm": Bound.FIXED,
    "Holds.confirm_lift": Bound.SEEN,
    "Keepings.decide": Bound.SEEN,
    "Laws.approve": Bound.FIXED,
    "Learning.decide_model": Bound.SEEN,
    "Mappings.confirm": Bound.OWN,
    "Monitors.decide": Bound.SEEN,
    "Newsroom.publish": Bound.SEEN,
    "Nodes.confirm": Bound.SEEN,
    "PlanDrafts.decide": Bound.SEEN,
    "Private.approve": Bound.SEEN,
    "Protection.decide_lowering": Bound.SEEN,
    "Recalls.confirm": Bound.OWN,
    "Relay.agree": Bound.SEEN,
    "SignOn.decide": Bound.SEALED,
    "Subscriptions.decide": Bound.FIXED,
    "Templates.decide": Bound.SEEN,
    "WorkPlan.confirm": Bound.SEEN,
}


@pytest.fixture(scope="module")
def verbs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Return the verbs of decision that a person reaches, by name or by the right that they ask for, each with its parameters."""
    rights = "|".join(one.name for one in Permission if DECIDES.match(one.value))
    asks = re.compile(rf"Permission\.({rights})\b")
    found: dict[str, set[str]] = {}
    platform = build(Settings.for_tests(tmp_path_factory.mktemp("shown")))
    kinds = {type(getattr(platform, one.name)) for one in fields(platform)}
    platform.close()
    for kind in kinds:
        if not kind.__module__.startswith("beijiang."):
            continue
        for name, verb in inspect.getmembers(kind, inspect.isfunction):
            said = set(inspect.signature(verb).parameters)
            if name.startswith("_") or "actor" not in said:
                continue
            if VERB.fullmatch(name) or asks.search(with_its_own_parts(kind, verb)):
                found[f"{kind.__name__}.{name}"] = said
    return found


def with_its_own_parts(kind: type, verb: Callable[..., object]) -> str:
    """Return the source of a verb and of the private methods that it calls: a right may be asked for in one of those."""
    told = inspect.getsource(verb)
    parts = {name: getattr(kind, name, None) for name in re.findall(r"self\.(_\w+)\(", told)}
    return told + "".join(inspect.getsource(one) for one in parts.values() if inspect.isfunction(one))


def test_every_decision_on_what_another_proposed_is_listed(verbs: dict[str, set[str]]) -> None:
    assert set(verbs) == {*REVIEWS, *BY_PERMISSION}, (
        "say in REVIEWS how a new decision is bound to what was shown, or bind it"
    )


def test_what_is_listed_as_bound_takes_what_binds_it(verbs: dict[str, set[str]]) -> None:
    signed = {Bound.SEEN, Bound.REVISION, Bound.NUMBER, Bound.SEALED}
    everything = REVIEWS | BY_PERMISSION
    assert {name for name, how in everything.items() if how is Bound.FIXED} == set(FIXED)
    for name, how in everything.items():
        assert how not in signed or how.value in verbs[name], name
        assert how is not Bound.NONE or not verbs[name] & {"seen", "revision"}, f"{name} is bound: list it as such"
