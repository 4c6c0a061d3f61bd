"""What quality speaks of: rules, what they counted, and scores."""

from beijiang.quality.models.grammar import ROWS, cell, columns_in, condition, iso_day, unknown_column
from beijiang.quality.models.limits import Limit
from beijiang.quality.models.profiles import ColumnProfile, Profile
from beijiang.quality.models.rules import (
    FALLING,
    KINDS,
    Kind,
    KindOf,
    Param,
    ParamType,
    Rule,
    RuleDraft,
    Severity,
    packaged,
)
from beijiang.quality.models.runs import Fact, Hold, Outcome, Release, Run, Trigger
from beijiang.quality.models.scores import (
    DimensionScore,
    IndicatorScore,
    Score,
    Scorecard,
    check_weights,
    points,
    score,
)

__all__ = [
    "FALLING",
    "KINDS",
    "ROWS",
    "ColumnProfile",
    "DimensionScore",
    "Fact",
    "Hold",
    "IndicatorScore",
    "Kind",
    "KindOf",
    "Limit",
    "Outcome",
    "Param",
    "ParamType",
    "Profile",
    "Release",
    "Rule",
    "RuleDraft",
    "Run",
    "Score",
    "Scorecard",
    "Severity",
    "Trigger",
    "cell",
    "check_weights",
    "columns_in",
    "condition",
    "iso_day",
    "packaged",
    "points",
    "score",
    "unknown_column",
]
