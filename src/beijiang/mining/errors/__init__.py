"""What can go wrong in mining, a file for each of its pieces."""

from beijiang.mining.errors.bench import id_taken, no_query, no_run, unfit
from beijiang.mining.errors.stream_rules import alert_moved, no_alert, no_rule, rule_unfit

__all__ = ["alert_moved", "id_taken", "no_alert", "no_query", "no_rule", "no_run", "rule_unfit", "unfit"]
