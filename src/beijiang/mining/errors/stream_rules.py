"""What rules on streams and their alerts refuse."""

from __future__ import annotations

from beijiang.kit import Conflict, Invalid, NotFound

__all__ = ["alert_moved", "no_alert", "no_rule", "rule_unfit"]


def no_rule() -> NotFound:
    """Return the error for a rule that is missing or another department's, which look the same."""
    return NotFound("没有这条预警规则。", "There is no such stream rule.", code="stream_rule_not_found")


def no_alert() -> NotFound:
    """Return the error for an alert that is missing or hidden, which look the same."""
    return NotFound("没有这条预警。", "There is no such alert of a reading.", code="reading_alert_not_found")


def rule_unfit(zh: str, en: str) -> Invalid:
    """Return the error for a rule that cannot be kept."""
    return Invalid(zh, en, code="stream_rule_unfit")


def alert_moved(state_zh: str, state_en: str) -> Conflict:
    """Return the error for a step that does not fit where an alert stands."""
    return Conflict(
        f"这条预警现在是“{state_zh}”，不能这样处理。请刷新后再看。",
        f'This alert is "{state_en}" now, so that step does not fit. Look at it again first.',
        code="reading_alert_moved",
    )
