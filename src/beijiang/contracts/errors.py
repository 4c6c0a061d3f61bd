"""What contracts refuse."""

from __future__ import annotations

from beijiang.kit import Conflict, Denied, NotFound

__all__ = [
    "bound_elsewhere",
    "breached",
    "changed_meanwhile",
    "no_contract",
    "no_version",
    "nothing_open",
    "own_contract",
]


def no_contract() -> NotFound:
    """Return the error for a contract that is missing or hidden."""
    return NotFound(
        "没有这份数据契约，或者您无权查看。请在契约列表中选择。",
        "There is no such data contract, or you may not see it. Choose one from the list.",
        code="contract_not_found",
    )


def no_version(words: str) -> NotFound:
    """Return the error for a version that a contract does not have."""
    return NotFound(
        f"这份契约没有版本“{words[:60]}”。",
        f'The contract has no version "{words[:60]}".',
        code="contract_version_not_found",
    )


def nothing_open() -> Conflict:
    """Return the error for a step that needs a draft, or one that waits."""
    return Conflict(
        "没有可以这样处理的版本：请先编辑或上传新版本，并提交批准。",
        "No version stands so: edit the contract or hand in a new version, and propose it.",
        code="contract_state",
    )


def own_contract() -> Denied:
    """Return the error for somebody who would approve what is the own work."""
    return Denied(
        "不能批准自己起草或提交的契约，请由另一位审核员批准。",
        "Nobody approves a contract that is the own work; another reviewer does.",
        code="own_contract",
    )


def changed_meanwhile() -> Conflict:
    """Return the error for a step on a version that somebody else just changed."""
    return Conflict(
        "契约刚被别人改过，请重新查看。", "Somebody just changed the contract; look again.", code="contract_changed"
    )


def bound_elsewhere(table: str) -> Conflict:
    """Return the error for a table that another contract binds."""
    return Conflict(
        f"表“{table}”已受另一份契约约束。请先解除。",
        f'The table "{table}" is bound by another contract. Unbind it first.',
        code="table_bound",
    )


def breached(table: str, version: int, terms: str, broken: tuple[str, ...]) -> Conflict:
    """Return the error for a delivery of a version that breaks its contract."""
    names, more = "、".join(broken[:3]), "…" if len(broken) > len(broken[:3]) else ""
    return Conflict(
        f"表“{table}”第 {version} 版违反数据契约 {terms}（{names}{more}），不予交付。请提供方修正数据，或由数据局在质量页放行。",
        f'Version {version} of "{table}" breaks the data contract {terms} ({names}{more}) and is not delivered. Its department mends the data, or the data authority releases it on the quality page.',
        code="contract_breached",
    )
