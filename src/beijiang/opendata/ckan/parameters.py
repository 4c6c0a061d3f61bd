"""Read an action's parameters: programs send numbers as text, lists as JSON or by repetition, and flags in many spellings."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from beijiang.kit import Invalid

__all__ = ["Parameters", "Upload", "missing", "wrong"]

_YES: Final = {"true", "1", "yes", "on", "t"}
_NO: Final = {"false", "0", "no", "off", "f", "", "none"}


def wrong(field: str, zh: str, en: str, code: str = "bad_value") -> Invalid:
    """Return the error for one parameter."""
    return Invalid(zh, en, code=code, detail={"field": field})


def missing(field: str) -> Invalid:
    """Return the error for a parameter that has to be there."""
    return wrong(field, f"缺少参数 {field}。", "Missing value", "missing_field")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a call."""

    name: str
    content: bytes


class Parameters:
    """What was sent with one action."""

    def __init__(self, values: Mapping[str, Any], whose: str = "", came: float | None = None) -> None:
        self._values = values
        self.whose = whose
        """On whose account it goes, where nobody has signed in."""
        self.came = time.monotonic() if came is None else came
        """When it came, by a clock that only goes on; it may have stood in a queue since."""

    def __contains__(self, name: str) -> bool:
        """Tell whether it was sent."""
        return self._values.get(name) is not None

    def only(self, known: Iterable[str], prefix: str = "ext_", code: str = "unknown_parameter") -> None:
        """Refuse what nobody knows: ignoring a filter would silently widen the answer.

        Raises:
            Invalid: names the first one (``code``).

        """
        listed = frozenset(known)
        unknown = sorted(name for name in self._values if name not in listed and not name.startswith(prefix))
        if unknown:
            raise wrong(
                unknown[0][:80],
                f"不认识参数 {unknown[0][:80]}。",
                f"Invalid search parameters: {unknown[0][:80]}",
                code,
            )

    def raw(self, name: str) -> Any:
        """Return a value as it was sent."""
        return self._values.get(name)

    def all(self) -> Mapping[str, Any]:
        """Return everything that was sent."""
        return self._values

    def text(self, name: str, default: str = "") -> str:
        """Return a text."""
        value = self._values.get(name)
        if value is None:
            return default
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if isinstance(value, bool | int | float):
            return json.dumps(value)
        if not isinstance(value, str):
            raise wrong(name, f"参数 {name} 应是一段文本。", "Must be a text")
        return value

    def needed(self, name: str) -> str:
        """Return a text that has to be there.

        Raises:
            Invalid: it is not (``missing_field``).

        """
        found = self.text(name)
        if not found:
            raise missing(name)
        return found

    def number(self, name: str, default: int, low: int = 0) -> int:
        """Return a whole number of ``low`` or more."""
        value = self._values.get(name)
        if value is None or value == "":
            return default
        try:
            found = int(str(value))
        except ValueError:
            found = low - 1
        if found < low or found > 1 << 53:
            raise wrong(name, f"参数 {name} 应是不小于 {low} 的整数。", f"Must be a whole number of {low} or more")
        return found

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a yes or no."""
        value = self._values.get(name)
        if value is None:
            return default
        word = str(value).strip().lower()
        if word in _YES:
            return True
        if word in _NO:
            return False
        raise wrong(name, f"参数 {name} 应是 true 或 false。", "Must be true or false")

    def texts(self, name: str) -> list[str]:
        """Return a list of texts: a JSON list, repeated, or one with commas."""
        value = self._values.get(name)
        if value is None or value == "":
            return []
        if isinstance(value, str):
            if value.lstrip().startswith("["):
                value = self.json(name)
            else:
                value = [part.strip() for part in value.split(",") if part.strip()]
        if not isinstance(value, list) or not all(isinstance(one, str | int | float) for one in value):
            raise wrong(name, f"参数 {name} 应是文本的列表。", "Must be a list of texts")
        return [str(one) for one in value]

    def texts_apart(self, name: str) -> list[str]:
        """Return texts of a list or a single one, which may hold commas."""
        value = self._values.get(name)
        if isinstance(value, str) and value.lstrip().startswith('["'):
            value = self.json(name)
        listed = value if isinstance(value, list) else [] if value is None else [value]
        if not all(isinstance(one, str) for one in listed):
            raise wrong(name, f"参数 {name} 应是文本。", "Must be a text")
        return [one for one in listed if one.strip()]

    def json(self, name: str) -> Any:
        """Return what stands in a text of JSON, or was sent as such."""
        value = self._values.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except (ValueError, RecursionError):
            raise wrong(name, f"参数 {name} 不是正确的 JSON。", "Must be valid JSON") from None
