"""The vocabulary of mining, a file for each of its pieces."""

from beijiang.mining.models.bench import (
    Chart,
    ChartKind,
    ExportForm,
    QueryRun,
    RunState,
    SavedDraft,
    SavedQuery,
    TableWord,
)
from beijiang.mining.models.judging import KeyState, Turn, judge, silent
from beijiang.mining.models.reading_alerts import AlertQuery, AlertState, AlertStep, ReadingAlert, StepKind, Trial
from beijiang.mining.models.stream_rules import RuleDraft, RuleKind, Severity, Side, StreamRule, TrendMeasure

__all__ = [
    "AlertQuery",
    "AlertState",
    "AlertStep",
    "Chart",
    "ChartKind",
    "ExportForm",
    "KeyState",
    "QueryRun",
    "ReadingAlert",
    "RuleDraft",
    "RuleKind",
    "RunState",
    "SavedDraft",
    "SavedQuery",
    "Severity",
    "Side",
    "StepKind",
    "StreamRule",
    "TableWord",
    "TrendMeasure",
    "Trial",
    "Turn",
    "judge",
    "silent",
]
