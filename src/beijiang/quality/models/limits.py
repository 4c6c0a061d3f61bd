"""How much may fail: a number of cells or rows, or a share in percent, as data contracts put it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from beijiang.kit import Invalid

__all__ = ["Limit"]

_OPERATORS: Final = ("<=", ">=", "!=", "<", ">", "=", "between", "not between")


@dataclass(frozen=True, slots=True)
class Limit:
    """A comparison of what fails with one number or two (both included)."""

    operator: str
    bounds: tuple[float, ...]
    percent: bool = False

    def __str__(self) -> str:
        numbers = " ".join(f"{bound:.15g}" for bound in self.bounds)
        return f"{self.operator} {numbers}{' %' if self.percent else ''}"

    @classmethod
    def parse(cls, words: str) -> Limit:
        """Read ``<= 10``, ``< 1 %``, ``between 1 5``.

        Raises:
            Invalid: it is none of these.

        """
        parts = words.split()
        percent = bool(parts) and parts[-1] == "%"
        numbers = parts[:-1] if percent else parts
        name = " ".join(numbers[:2]) if numbers[:1] == ["not"] else " ".join(numbers[:1])
        try:
            bounds = tuple(float(part) for part in numbers[len(name.split()) :])
        except ValueError:
            bounds = ()
        if name not in _OPERATORS or len(bounds) != (2 if name.endswith("between") else 1):
            raise Invalid(
                f"限值“{words[:40]}”应写成“<= 10”“< 1 %”或“between 1 5”。",
                f'Write the limit "{words[:40]}" as "<= 10", "< 1 %" or "between 1 5".',
                code="rule_limit",
            )
        return cls(name, bounds, percent)

    def holds(self, failing: int, assessed: int) -> bool:
        """Tell whether so much may fail."""
        value = 100 * failing / assessed if self.percent and assessed else float(failing)
        low, high = self.bounds[0], self.bounds[-1]
        return {
            "<=": value <= low,
            ">=": value >= low,
            "!=": value != low,
            "<": value < low,
            ">": value > low,
            "=": value == low,
            "between": low <= value <= high,
            "not between": not low <= value <= high,
        }[self.operator]
