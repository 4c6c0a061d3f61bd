"""What libraries refuse."""

from __future__ import annotations

from beijiang.kit import Conflict, Invalid, NotFound

__all__ = [
    "bad_draft",
    "bad_mapping",
    "changed",
    "circle",
    "no_claim",
    "no_library",
    "no_link",
    "no_pair",
    "no_subject",
    "reason_needed",
    "taken",
]


def no_library(words: str) -> NotFound:
    """Return the error for a library that is missing, retired, or hidden."""
    return NotFound(
        f"没有基础库或主题库“{words[:60]}”，或它已停用。",
        f'There is no library "{words[:60]}", or it is retired.',
        code="library_not_found",
    )


def no_link() -> NotFound:
    """Return the error for a source that is missing or hidden."""
    return NotFound("没有这个来源。", "There is no such source of the library.", code="library_source_not_found")


def no_pair() -> NotFound:
    """Return the error for a pair or decision that is missing."""
    return NotFound("没有这一对记录。", "There is no such pair of records.", code="pair_not_found")


def no_subject(name: str) -> NotFound:
    """Return the error for a golden record that never was."""
    return NotFound(
        f"库中没有主体“{name[:60]}”。", f'The library has no subject "{name[:60]}".', code="subject_not_found"
    )


def no_claim() -> NotFound:
    """Return the error for a declaration or objection that is missing."""
    return NotFound("没有这条数源认定或异议。", "There is no such declaration or objection.", code="claim_not_found")


def taken(table: str) -> Conflict:
    """Return the error for a table that is filled from elsewhere."""
    return Conflict(
        f"表“{table}”已有数据来源（一数一源）。请为基础库另取一个表名。",
        f'Table "{table}" is filled from elsewhere (one source per item). Give the library a table of its own.',
        code="table_has_source",
    )


def changed() -> Conflict:
    """Return the error for somebody who was quicker."""
    return Conflict("刚被别人改过，请重新查看。", "Somebody just changed it; look again.", code="library_changed")


def circle(library: str) -> Conflict:
    """Return the error for a source that is made of the library which it is to serve."""
    return Conflict(
        f"来源不能由“{library}”自己得出，否则会无休止地更新。请改用最初的来源表。",
        f'A source cannot be made of "{library}" itself: it would feed itself for ever. Offer the table that it came from.',
        code="library_circle",
    )


def reason_needed() -> Invalid:
    """Return the error for an act without a reason."""
    return Invalid("请说明理由。", "A reason is needed.", code="reason_needed")


def bad_draft(zh: str, en: str) -> Invalid:
    """Return the error for a library that cannot be declared so."""
    return Invalid(zh, en, code="bad_library")


def bad_mapping(zh: str, en: str) -> Invalid:
    """Return the error for a source that cannot be read so."""
    return Invalid(zh, en, code="bad_library_source")
