"""Events as they come in files and bodies, read the same at every door."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from beijiang.lineage.errors import BadEvent
from beijiang.lineage.models.openlineage import MOST_EVENTS

__all__ = ["array_of", "batches_of"]


def array_of(body: bytes) -> list[object]:
    """Return the events of a JSON array.

    Raises:
        BadEvent: it is none.

    """
    try:
        events = json.loads(body)
    except (ValueError, RecursionError):
        events = None
    if not isinstance(events, list):
        raise BadEvent("须是事件的 JSON 数组。", "This must be a JSON array of events.")
    return events


def batches_of(content: bytes) -> Iterator[Sequence[object]]:
    """Yield the events of a file, as many at once as may be taken in together: a JSON array, or one event a line."""
    listed = array_of(content) if content.lstrip()[:1] == b"[" else [one for one in content.splitlines() if one.strip()]
    for begin in range(0, len(listed), MOST_EVENTS):
        yield listed[begin : begin + MOST_EVENTS]
