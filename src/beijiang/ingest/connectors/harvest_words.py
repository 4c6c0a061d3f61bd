"""The words of JSON records, whatever shape they were given: strings, lists, objects, one per language."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["first", "listed", "pick", "text"]

_LANGUAGES: Final = ("zh-CN", "zh", "zh-Hans", "zh_CN", "en")
_INSIDE: Final = ("@value", "value", "title", "name", "label", "display_name", "prefLabel", "@id", "id")
_DEPTH: Final = 4


def text(value: Any, depth: int = 0) -> str:  # noqa: PLR0911  # one return a kind
    """Return the text of a value; of several languages Chinese, then English, then any."""
    if value is None or value is True or value is False or depth > _DEPTH:
        return ""
    if isinstance(value, str):
        return value.replace("\x00", "").strip()  # PostgreSQL holds none
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        return next((found for item in value if (found := text(item, depth + 1))), "")
    if isinstance(value, dict):
        for name in (*_LANGUAGES, *_INSIDE):
            if name in value and (found := text(value[name], depth + 1)):
                return found
        strings = [v for v in value.values() if isinstance(v, str)]
        return strings[0].strip() if strings else ""
    return str(value)


def listed(value: Any) -> tuple[str, ...]:
    """Return the texts of a list, each once; a single text is a list of one, and commas part it."""
    if isinstance(value, str):
        value = value.replace("，", ",").replace(";", ",").split(",")
    if not isinstance(value, list):
        value = [value]
    return tuple(dict.fromkeys(found for item in value if (found := text(item))))


def pick(record: dict[str, Any], *names: str) -> str:
    """Return the first text among some members."""
    return next((found for name in names if (found := text(record.get(name)))), "")


def first(*values: str) -> str:
    """Return the first text that is not empty."""
    return next((value for value in values if value), "")
