"""Every verb by which somebody decides on what another proposed says how it is bound to what was shown; a new one fails here."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields
from enum import StrEnum

import pytest

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
    """What it names never changes once it is proposed: another wish gets another id (proved beside, in this file)."""
    SEALED = "shown"
    """What was shown comes back sealed by the platform itself, to the person to whom it was shown only."""
    OPEN = "open"
    """Nothing binds it yet."""


REVIEWS = {
    "Apps.review": Bound.NUMBER,
    "Assess.decide_appeal": Bound.FIXED,
    "Assess.decide_weights": Bound.FIXED,
    "Catalog.approve": Bound.SEEN,
    "Catalog.endorse": Bound.SEEN,
    "Catalog.publish": Bound.SEEN,
    "Clients.review": Bound.SEEN,
    "Contracts.approve": Bound.SEEN,
    "Exchange.approve": Bound.REVISION,
    "Figures.decide": Bound.SEEN,
    "Follows.confirm": Bound.OWN,
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
    "PlanDrafts.decide": Bound.SEEN,
    "Private.approve": Bound.SEEN,
    "Recalls.confirm": Bound.OWN,
    "Relay.agree": Bound.SEEN,
    "SignOn.decide": Bound.SEALED,
    "Subscriptions.decide": Bound.FIXED,
    "Templates.decide": Bound.SEEN,
    "WorkPlan.confirm": Bound.SEEN,
}


@pytest.fixture(scope="module")
def verbs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Return the verbs of decision that a person reaches, each with its parameters."""
    found: dict[str, set[str]] = {}
    platform = build(Settings.for_tests(tmp_path_factory.mktemp("shown")))
    kinds = {type(getattr(platform, one.name)) for one in fields(platform)}
    platform.close()
    for kind in kinds:
        if not kind.__module__.startswith("beijiang."):
            continue
        for name, verb in inspect.getmembers(kind, inspect.isfunction):
            said = set(inspect.signature(verb).parameters)
            if VERB.fullmatch(name) and "actor" in said:
                found[f"{kind.__name__}.{name}"] = said
    return found


def test_every_decision_on_what_another_proposed_is_listed(verbs: dict[str, set[str]]) -> None:
    assert set(verbs) == set(REVIEWS), "say in REVIEWS how a new decision is bound to what was shown, or bind it"


def test_what_is_listed_as_bound_takes_what_binds_it(verbs: dict[str, set[str]]) -> None:
    signed = {Bound.SEEN, Bound.REVISION, Bound.NUMBER, Bound.SEALED}
    for name, how in REVIEWS.items():
        assert how not in signed or how.value in verbs[name], name
        assert how is not Bound.OPEN or not verbs[name] & {"seen", "revision"}, f"{name} is bound: list it as such"
