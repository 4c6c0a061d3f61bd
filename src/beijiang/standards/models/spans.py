"""Codes through time: since when until when each one holds, over all versions of its set, and what holds in its place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from beijiang.standards.models.registry import CodeSet, CodeValue, in_force, successors

__all__ = ["CodeSpan", "replacements", "spans"]


@dataclass(frozen=True, slots=True)
class CodeSpan:
    """Codes that hold from a day on (None: as long as anybody asks) up to before another one (None: until further notice)."""

    begins: date | None
    ends: date | None
    codes: tuple[str, ...]

    def holds(self, on: date) -> bool:
        """Tell whether the codes may be used on a day."""
        return (self.begins is None or self.begins <= on) and (self.ends is None or on < self.ends)


def spans(versions: Sequence[CodeSet]) -> tuple[CodeSpan, ...]:
    """Return the codes of a set by the days on which they hold, as ``CodeSet.on`` of the version in force says it of each day.

    Before the first version there is the first, and after the end of a set what it said last.
    """
    found: dict[tuple[date, date], list[str]] = defaultdict(list)
    for at, version in enumerate(versions):
        first = date.min if at == 0 or version.edition.valid_from is None else version.edition.valid_from
        last = date.max if at == len(versions) - 1 else version.edition.valid_to or date.max
        for value in version.values:
            begins, ends = max(first, value.valid_from or date.min), min(last, value.valid_to or date.max)
            if begins < ends:
                found[begins, ends].append(value.code)
    return tuple(
        CodeSpan(
            None if begins == date.min else begins,
            None if ends == date.max else ends,
            tuple(dict.fromkeys(codes)),
        )
        for (begins, ends), codes in sorted(found.items())
    )


def replacements(versions: Sequence[CodeSet], on: date) -> Mapping[str, tuple[CodeValue, ...]]:
    """Return for every code that a set ever had those that hold on a day in its place: itself, one, several, or none."""
    _, current = in_force(versions, on)
    holding = {value.code: value for value in current.values if value.holds(on)}
    found: dict[str, tuple[CodeValue, ...]] = {code: (value,) for code, value in holding.items()}
    for code in dict.fromkeys(value.code for version in versions for value in version.values):
        if code not in found:
            became = successors(versions, code, on)
            found[code] = () if became is None else became.now
    return found
