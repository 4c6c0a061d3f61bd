"""What the registry refuses."""

from __future__ import annotations

from beijiang.kit import Conflict, Denied, NotFound, Text

__all__ = ["entry_changed", "no_code", "no_entry", "no_proposal", "no_year", "not_open", "own_proposal"]


def no_entry(kind: Text, entry_id: str) -> NotFound:
    """Return the error for an entry that the registry does not have."""
    return NotFound(
        f"标准库中没有{kind.zh}“{entry_id[:130]}”。请在数据标准页查找。",
        f'The registry has no {kind.en} "{entry_id[:130]}". Look for it on the page of the standards.',
        code="unknown_code",
    )


def no_code(set_id: str, code: str) -> NotFound:
    """Return the error for a code that no version of its set knows."""
    return NotFound(
        f"代码集“{set_id}”的任何版本都没有代码“{code[:60]}”。",
        f'No version of the code set "{set_id}" has the code "{code[:60]}".',
        code="unknown_code",
    )


def no_year(year: int) -> NotFound:
    """Return the error for a year whose arrangement of holidays is not in."""
    return NotFound(
        f"{year} 年的放假安排还没有录入。请在数据标准的工作日历页导入国务院办公厅的通知。",
        f"The holidays of {year} are not in. Import the notice of the State Council on the page of the working-day calendar.",
        code="unknown_code",
    )


def no_proposal() -> NotFound:
    """Return the error for a proposal that is missing."""
    return NotFound(
        "没有这份提案。请在提案列表中选择。",
        "There is no such proposal. Choose one from the list.",
        code="proposal_not_found",
    )


def not_open() -> Conflict:
    """Return the error for a proposal that was decided before."""
    return Conflict("这份提案已经处理过。", "This proposal was decided before.", code="proposal_decided")


def own_proposal() -> Denied:
    """Return the error for somebody who would decide on the own proposal."""
    return Denied(
        "不能审批自己的提案，请由另一位数据局审核员处理。",
        "Nobody approves the own proposal; another reviewer of the data authority decides.",
        code="own_proposal",
    )


def entry_changed(kind: Text, entry_id: str) -> Conflict:
    """Return the error for a proposal that was made before somebody else's change came into force."""
    return Conflict(
        f"{kind.zh}“{entry_id}”在提案之后已有新版本。请退回，按新版本重新提案。",
        f'The {kind.en} "{entry_id}" got a new version after the proposal. Send it back and propose on the new version.',
        code="entry_changed",
    )
