"""A part of a feed that is read again: from and to in the words of a person, and as the cursor's canonical texts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from decimal import Decimal, InvalidOperation

from beijiang.kit import Invalid

__all__ = ["CursorRange"]

_DATE_LENGTH = 10


@dataclass(frozen=True, slots=True)
class CursorRange:
    """Rows whose cursor is at least ``since`` and at most ``until``; empty is no bound."""

    since: str = ""
    until: str = ""

    def __bool__(self) -> bool:
        return bool(self.since or self.until)

    def bounds(self, kind: str, zone: tzinfo) -> tuple[str | None, str | None]:
        """Return both ends as canonical texts; times without a zone are the installation's, a day means all of it.

        Raises:
            Invalid: an end is no value of the cursor's type, or they are in the wrong order.

        """
        try:
            start, end = (_canonical(text, kind, zone, last=last) for text, last in self._ends())
        except (ValueError, OverflowError, InvalidOperation) as error:
            raise Invalid(
                f"“{self.since or '…'} 至 {self.until or '…'}”不是游标列（{kind}）的值。时间写作 2026-01-31 或 2026-01-31 08:00。",
                f'"{self.since or "..."} to {self.until or "..."}" are no values of the cursor ({kind}). Times are written 2026-01-31 or 2026-01-31 08:00.',
                code="bad_range",
            ) from error
        numbers = kind in {"integer", "decimal", "double"}
        if start and end and (Decimal(start) > Decimal(end) if numbers else start > end):
            raise Invalid("起点在终点之后。", "It begins after its end.", code="bad_range")
        return start, end

    def _ends(self) -> tuple[tuple[str, bool], tuple[str, bool]]:
        return (self.since.strip(), False), (self.until.strip(), True)


def _canonical(text: str, kind: str, zone: tzinfo, *, last: bool) -> str | None:
    if not text:
        return None
    if kind == "timestamp":
        moment = datetime.fromisoformat(text)
        if len(text) == _DATE_LENGTH and last:
            moment = datetime.combine(moment.date(), time.max)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        return aware.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
    if kind == "date":
        return date.fromisoformat(text).isoformat()
    return f"{Decimal(text):f}"
