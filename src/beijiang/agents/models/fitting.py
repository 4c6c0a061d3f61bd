"""Keep answers small and plain: cut cells, drop rows whole, and let no character through that steers a reader's screen."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

__all__ = ["ANSWER_BYTES", "clean", "fit", "whole_bytes"]

ANSWER_BYTES: Final = 32 << 10
"""Both copies of an answer, the structured one and its text, together."""
COPY_BYTES: Final = ANSWER_BYTES // 2 - 512
CELL: Final = 500
_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
"""Controls, bidirectional marks, zero-width and tag characters: text that a person does not see and a model does."""


def clean(value: Any) -> Any:
    """Return a value as plain JSON: texts without steering characters and at most 500 characters long."""
    if isinstance(value, str):
        text = _STEERING.sub("", value)
        return text if len(text) <= CELL else text[: CELL - 1] + "…"
    if isinstance(value, Mapping):
        return {str(clean(name)): clean(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [clean(one) for one in value]
    if isinstance(value, float):
        return value if value - value == 0 else None
    if value is None or isinstance(value, bool | int):
        return value
    return clean(value.isoformat() if isinstance(value, date | datetime) else str(value))


def whole_bytes(value: Any) -> int:
    """Return how many bytes a value has as JSON, as it is sent."""
    return len(json.dumps(value, ensure_ascii=False).encode())


def fit(base: Any, items: Sequence[Any]) -> int:
    """Return how many of ``items``, from the first on, fit into an answer that has ``base`` besides."""
    room = COPY_BYTES - whole_bytes(base)
    for count, item in enumerate(items):
        room -= whole_bytes(item) + 2
        if room < 0:
            return count
    return len(items)
