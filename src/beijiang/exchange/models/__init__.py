"""What is asked for, decided and granted."""

from beijiang.exchange.models.flows import Side, Stage, Trait, longest, purposes, stages_for, traits
from beijiang.exchange.models.grants import Grant, GrantQuery, GrantState, GrantView, Usage
from beijiang.exchange.models.requests import (
    Delegation,
    Move,
    Plan,
    PlannedStage,
    Problem,
    Request,
    RequestDraft,
    RequestQuery,
    RequestState,
    RequestView,
    Step,
)
from beijiang.exchange.models.terms import EXITS, GranteeKind, Item, Narrowing, Terms, Way

__all__ = [
    "EXITS",
    "Delegation",
    "Grant",
    "GrantQuery",
    "GrantState",
    "GrantView",
    "GranteeKind",
    "Item",
    "Move",
    "Narrowing",
    "Plan",
    "PlannedStage",
    "Problem",
    "Request",
    "RequestDraft",
    "RequestQuery",
    "RequestState",
    "RequestView",
    "Side",
    "Stage",
    "Step",
    "Terms",
    "Trait",
    "Usage",
    "Way",
    "longest",
    "purposes",
    "stages_for",
    "traits",
]
