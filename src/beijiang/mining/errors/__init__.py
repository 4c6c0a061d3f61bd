"""What can go wrong in mining, a file for each of its pieces."""

from beijiang.mining.errors.bench import id_taken, no_query, no_run, unfit
from beijiang.mining.errors.forecasting import (
    column_missing,
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
from beijiang.mining.errors.notebooks import bad_value, no_notebook, notebook_moved, unfit_notebook
from beijiang.mining.errors.stream_rules import alert_moved, no_alert, no_rule, rule_unfit
from beijiang.mining.errors.texts import bad_grade, no_document, no_form, no_words, too_few_labels, unfit_document

__all__ = [
    "alert_moved",
    "bad_grade",
    "bad_value",
    "column_missing",
    "draft_unfit",
    "graph_blind",
    "graph_too_large",
    "graph_too_long",
    "id_taken",
    "masked",
    "no_alert",
    "no_document",
    "no_forecast",
    "no_form",
    "no_graph",
    "no_node",
    "no_notebook",
    "no_periods",
    "no_query",
    "no_rule",
    "no_run",
    "no_series",
    "no_words",
    "notebook_moved",
    "reserved",
    "rule_unfit",
    "target_taken",
    "too_few_labels",
    "too_many_series",
    "unfit",
    "unfit_document",
    "unfit_forecast",
    "unfit_notebook",
]
