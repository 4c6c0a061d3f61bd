"""JSON as it was written: numbers keep every digit, nested values stay JSON, and paths lead to what is wanted."""

from __future__ import annotations

import hashlib
import json
from email.message import Message
from typing import Any, Final

from beijiang.kit import Invalid

__all__ = ["MISSING", "Number", "as_json", "digest", "find", "parse", "steps", "text_of"]

MISSING: Final = object()
"""What ``find`` returns where a path leads nowhere; null is a value."""


class Number(str):
    """A JSON number, digit for digit."""

    __slots__ = ()


def parse(body: bytes, content_type: str = "") -> Any:
    """Return a JSON document, with numbers as ``Number``.

    Raises:
        Invalid: it is none (``service_no_json``).

    """
    told = Message()
    told["content-type"] = content_type or "application/json"
    try:
        text = body.decode(told.get_content_charset() or "utf-8").removeprefix("\ufeff")
        return json.loads(text, parse_float=Number, parse_int=Number, parse_constant=_refused, strict=False)
    except (ValueError, LookupError, RecursionError) as error:
        raise _unreadable() from error


def _unreadable() -> Invalid:
    return Invalid(
        "服务的应答不是可读的 JSON。请核对接口地址与参数；有些服务在未授权时返回网页。",
        "The answer of the service is no readable JSON. Check address and parameters; some services answer a web page where access is missing.",
        code="service_no_json",
    )


def _refused(word: str) -> Any:
    raise ValueError(word)


def steps(path: str) -> tuple[str, ...]:
    """Return a path's steps: a JSON pointer (RFC 6901) if it begins with a slash, else names with dots between them."""
    if not path:
        return ()
    if path.startswith("/"):
        return tuple(step.replace("~1", "/").replace("~0", "~") for step in path[1:].split("/"))
    return tuple(path.split("."))


def find(value: Any, path: tuple[str, ...]) -> Any:
    """Return what a path leads to, or ``MISSING``."""
    for step in path:
        if isinstance(value, dict):
            value = value.get(step, MISSING)
        elif isinstance(value, list) and step.isascii() and step.isdigit() and int(step[:9]) < len(value):
            value = value[int(step[:9])]
        else:
            return MISSING
    return value


def text_of(value: Any) -> str | None:
    """Return a value as text: strings and numbers as written, nested ones as JSON, null and nothing as None.

    Raises:
        Invalid: it is nested too deep (``service_no_json``).

    """
    if value is None or value is MISSING:
        return None
    try:
        text = str(value) if isinstance(value, str) else as_json(value)
    except RecursionError as error:
        raise _unreadable() from error
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8")  # half a character (a lone surrogate) stays visible


def digest(value: Any) -> bytes:
    """Return what tells a value from others, in sixteen bytes.

    Raises:
        Invalid: it is nested too deep (``service_no_json``).

    """
    try:
        spelled = repr(value)  # as exact as JSON for this, and many times faster
    except RecursionError as error:
        raise _unreadable() from error
    return hashlib.blake2b(spelled.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def as_json(value: Any) -> str:
    """Return a value as JSON, its numbers as they were written."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{as_json(str(k))}:{as_json(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(as_json, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
