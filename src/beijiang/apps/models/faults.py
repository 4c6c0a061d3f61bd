"""What is wrong in a bundle: the file, the line, what, and how to mend it, in both languages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beijiang.kit import Invalid, Text

if TYPE_CHECKING:
    from beijiang.kit.errors import JsonValue

__all__ = ["Fault", "Faults", "faulty", "line_of"]

SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to mend; ``line`` counts from 1."""

    file: str
    line: int
    what: Text
    mend: Text

    def line_in(self, place: int) -> str:
        """Return the fault as one line, Chinese for 0 and English for 1."""
        if place == 0:
            return f"{self.file} 第 {self.line} 行：{self.what.zh}。{self.mend.zh}。"
        return f"{self.file}, line {self.line}: {self.what.en}. {self.mend.en}."

    def to_json(self) -> dict[str, JsonValue]:
        """Return the fault as plain data."""
        return {
            "file": self.file,
            "line": self.line,
            "what": {"zh": self.what.zh, "en": self.what.en},
            "mend": {"zh": self.mend.zh, "en": self.mend.en},
        }


class Faults(list[Fault]):
    """Faults as they are found; reading goes on after one, so that a writer sees them all at once."""

    def say(self, file: str, line: int, what: tuple[str, str], mend: tuple[str, str]) -> None:
        """Add one."""
        self.append(Fault(file, line, Text(*what), Text(*mend)))


def line_of(text: str, key: str, section: str = "") -> int:
    """Return the line on which a key stands in a TOML text, under the header of its section if that is named."""
    lines = text.splitlines()
    start = 0
    if section:
        head = re.compile(rf"\s*\[\[?\s*{re.escape(section)}\s*\]\]?")
        start = next((n for n, line in enumerate(lines) if head.match(line)), 0)
    wanted = re.compile(rf"""\s*["']?{re.escape(key)}["']?\s*(?:=|\.)""")
    return next((n for n, line in enumerate(lines[start:], start + 1) if wanted.match(line)), start + 1)


def faulty(faults: Sequence[Fault]) -> Invalid:
    """Return the error for a bundle that cannot be used as it is; every fault names file, line, what is wrong and the mend."""
    zh, en = (" ".join(fault.line_in(n) for fault in faults[:SHOWN]) for n in (0, 1))
    more = len(faults) - SHOWN
    told: list[JsonValue] = [fault.to_json() for fault in faults]
    return Invalid(
        f"应用包有 {len(faults)} 处问题：{zh}" + (f" 另有 {more} 处。" if more > 0 else ""),
        f"The bundle has {len(faults)} faults: {en}" + (f" And {more} more." if more > 0 else ""),
        code="app_faulty",
        detail={"faults": told},
    )
