"""What can go wrong in mining, a file for each of its pieces."""

from beijiang.mining.errors.bench import id_taken, no_query, no_run, unfit
from beijiang.mining.errors.forecasting import (
    column_missing,
    forecast_changed,
    masked,
    no_forecast,
    no_periods,
    no_series,
    reserved,
    target_taken,
    too_many_series,
    unfit_forecast,
)
from beijiang.mining.errors.graphs import draft_unfit, graph_blind, graph_too_large, graph_too_long, no_graph, no_node
from beijiang.mining.errors.stream_rules import alert_moved, no_alert, no_rule, rule_unfit

__all__ = [
    "alert_moved",
    "column_missing",
    "draft_unfit",
    "forecast_changed",
    "graph_blind",
    "graph_too_large",
    "graph_too_long",
    "id_taken",
    "masked",
    "no_alert",
    "no_forecast",
    "no_graph",
    "no_node",
    "no_periods",
    "no_query",
    "no_rule",
    "no_run",
    "no_series",
    "reserved",
    "rule_unfit",
    "target_taken",
    "too_many_series",
    "unfit",
    "unfit_forecast",
]
