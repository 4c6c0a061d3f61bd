"""What both clients do, without doing it: each call is a generator that yields what to send or how long to wait.

Whoever drives it sends back what came. ``Client`` drives with ``httpx.Client``, ``AsyncClient`` with ``httpx.AsyncClient``.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, TypeVar
from urllib.parse import quote

from beijiang.client.errors import Unreachable, failure_of
from beijiang.client.models import Dataset, Grant, RowPage, SearchResult, SqlResult

__all__ = [
    "Ask",
    "Came",
    "Options",
    "Plan",
    "Wait",
    "answer",
    "dataset",
    "file_address",
    "grant_address",
    "grants",
    "open_address",
    "page",
    "receipt",
    "search",
    "sql",
]

T = TypeVar("T")
TOO_OFTEN: Final = 429
BUSY: Final = 503
AGAIN: Final = frozenset({TOO_OFTEN, 502, BUSY, 504})
LONGEST: Final = 60.0


@dataclass(frozen=True, slots=True)
class Options:
    """How patient a client is."""

    retries: int = 4
    timeout: float = 60.0
    language: str = "zh-CN"
    socket: str = ""
    """File of a socket of this machine through which the platform is reached, as by servers of hosted applications."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request."""

    method: str
    path: str
    query: Sequence[tuple[str, str]] = ()
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to send for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Came:
    """What came: an answer, or the trouble that kept it from coming."""

    status: int = 0
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    trouble: Unreachable | None = None
    strange: bool = False
    """Whether there was a body that is no JSON."""


Plan: TypeAlias = Generator[Ask | Wait, Came | None, T]


def _asked(ask: Ask, options: Options) -> Plan[Came]:
    """Send, and send again when the server says later, or when a question that changes nothing got no answer.

    What changes something is sent again only where it was surely not done: 429, or a busy platform's own 503 with Retry-After.
    A gateway's page tells nothing of what happened behind it.
    """
    for attempt in range(options.retries + 1):
        came = yield ask
        if came is None:
            raise RuntimeError("a plan was driven without an answer")
        last = attempt == options.retries
        if came.trouble is not None:
            if last or ask.method != "GET":
                raise came.trouble
        elif last or not _may_again(ask, came):
            if (failure := failure_of(came.status, came.body, strange=came.strange)) is not None:
                raise failure
            return came
        yield Wait(_patience(came.headers.get("retry-after", ""), attempt))
    raise AssertionError  # pragma: no cover - the last attempt returns or raises


def _may_again(ask: Ask, came: Came) -> bool:
    if ask.method == "GET" or came.status == TOO_OFTEN:
        return came.status in AGAIN
    own = isinstance(came.body, dict) and isinstance(came.body.get("error"), dict)
    return came.status == BUSY and own and "retry-after" in came.headers


def _patience(told: str, attempt: int) -> float:
    """Return how long to wait: what the server says, or twice as long each time with a little chance in it."""
    if told.isascii() and told.isdecimal():
        return min(float(told), LONGEST)
    return float(min(0.5 * 2**attempt * (1 + random.random() / 4), LONGEST))  # noqa: S311 - no secret


def answer(ask: Ask, options: Options) -> Plan[Any]:
    """Return the body of any answer, or nothing where it has none."""
    came = yield from _asked(ask, options)
    return came.body


def search(words: str, facets: Mapping[str, str], number: int, size: int, options: Options) -> Plan[SearchResult]:
    """Find published data sets."""
    query = [("q", words), ("page", str(number)), ("size", str(size)), *facets.items()]
    came = yield from _asked(Ask("GET", "/api/v1/datasets", query), options)
    return SearchResult.of(came.body)


def dataset(dataset_id: str, options: Options) -> Plan[Dataset]:
    """Return one data set."""
    came = yield from _asked(Ask("GET", f"/api/v1/datasets/{quote(dataset_id, safe='')}"), options)
    return Dataset.of(came.body)


def open_address(dataset_id: str) -> str:
    """Return where the rows of an open data set are."""
    return f"/api/v1/datasets/{quote(dataset_id, safe='')}/rows"


def grant_address(table: str) -> str:
    """Return where the rows of a granted table are."""
    return f"/api/v1/exchange/tables/{quote(table, safe='')}/rows"


def file_address(dataset_id: str) -> str:
    """Return where the file of an open data set is."""
    return f"/api/v1/datasets/{quote(dataset_id, safe='')}/download"


def page(ask: Ask, cursor: str | None, options: Options) -> Plan[RowPage]:
    """Return one page of rows."""
    query = [*ask.query, *([("_next", cursor)] if cursor else [])]
    came = yield from _asked(Ask("GET", ask.path, query, headers=ask.headers), options)
    return RowPage.of(came.body, came.headers.get("x-beijiang-receipt", ""))


def sql(text: str, purpose: str, options: Options) -> Plan[SqlResult]:
    """Run one SELECT."""
    came = yield from _asked(Ask("POST", "/api/v1/sql", body={"sql": text, "purpose": purpose}), options)
    return SqlResult.of(came.body)


def grants(options: Options) -> Plan[tuple[Grant, ...]]:
    """Return the grants of and to the key's organisation."""
    came = yield from _asked(Ask("GET", "/api/v1/exchange/grants"), options)
    return tuple(Grant.of(one) for one in came.body["grants"])


def receipt(receipt_id: str, options: Options) -> Plan[Mapping[str, Any]]:
    """Return the receipt file of one read, for ``beijiang verify``."""
    came = yield from _asked(Ask("GET", f"/api/v1/evidence/receipts/{quote(receipt_id, safe='')}"), options)
    found: Mapping[str, Any] = came.body
    return found
