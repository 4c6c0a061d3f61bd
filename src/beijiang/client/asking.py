"""How rows are asked for, how answers are read, and how rows become frames; shared by both clients."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from beijiang.client.errors import ApiError, Unreachable, error_of, failure_of
from beijiang.client.plans import Ask, Came, Options

if TYPE_CHECKING:
    import httpx
    import pandas as pd
    import polars as pl
    import pyarrow as pa

__all__ = [
    "arrow",
    "body_of",
    "came_of",
    "failed_file",
    "pandas",
    "part_of",
    "pieces",
    "polars",
    "rows_asked",
    "settings",
    "unreachable",
    "weighed",
]

PIECE: Final = 1 << 18


def settings(url: str, key: str | None, options: Options) -> dict[str, Any]:
    """Return what an HTTP client is made with."""
    headers = {"Accept": "application/json", "Accept-Language": options.language}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    return {
        "base_url": url.rstrip("/"),
        "headers": headers,
        "timeout": options.timeout,
        "follow_redirects": False,
        "mounts": dict.fromkeys(("http://", "https://")) if options.socket or _is_near(url) else None,
    }


def _is_near(url: str) -> bool:
    """Tell whether an address is of this machine: no proxy of the environment is asked for it, which could read the key."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def rows_asked(
    path: str, where: Mapping[str, Any], columns: Sequence[str], sort: str, size: int, purpose: str = ""
) -> Ask:
    """Return the request of rows; ``where`` is ``{"column__op": value}``, ``sort`` a column, with ``-`` descending."""
    query = [(name, _word(value)) for name, value in where.items()]
    query += [("_col", name) for name in columns]
    if sort:
        query.append(("_sort_desc", sort[1:]) if sort.startswith("-") else ("_sort", sort))
    query.append(("_size", str(size)))
    return Ask("GET", path, query, headers={"X-Beijiang-Purpose": purpose} if purpose else {})


def _word(value: Any) -> str:
    if isinstance(value, list | tuple | set | frozenset):
        import json

        return json.dumps([str(one) for one in value], ensure_ascii=False)
    return str(value).lower() if isinstance(value, bool) else str(value)


def came_of(answer: httpx.Response) -> Came:
    """Read an answer; a body that is no JSON stands for nothing, and is told from none."""
    body, strange = None, bool(answer.content)
    with suppress(ValueError):
        body, strange = answer.json(), False
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Came(answer.status_code, body, headers, strange=strange)


def unreachable(error: Exception) -> Unreachable:
    """Return the trouble that kept an answer from coming."""
    return Unreachable(f"{type(error).__name__}: {error}".removesuffix(": "))


def failed_file(answer: httpx.Response) -> ApiError | None:
    """Return the error of a file that was refused (its body has been read), or that is none of the platform's.

    Every file of the platform comes as an attachment; the sign-in page of a proxy, which answers 200 to anything, does not.
    """
    if not answer.is_success:
        return error_of(answer.status_code, came_of(answer).body)
    if answer.headers.get("content-disposition", "").lower().startswith("attachment"):
        return None
    return error_of(answer.status_code, None)


def body_of(answer: httpx.Response) -> Any:
    """Return the body of an answer, or raise what it stands for."""
    came = came_of(answer)
    if (failure := failure_of(came.status, came.body, strange=came.strange)) is not None:
        raise failure
    return came.body


def pieces(source: Path, progress: Callable[[int], object] | None) -> Iterator[bytes]:
    """Yield a file piece by piece, and tell the bytes so far."""
    done = 0
    with source.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece
            done += len(piece)
            if progress is not None:
                progress(done)


def weighed(source: Path) -> dict[str, str]:
    """Return the headers that say how long a file's bytes are."""
    return {"Content-Length": str(source.stat().st_size), "Content-Type": "application/octet-stream"}


def part_of(target: Path) -> Path:
    """Return where a file is written until it is whole."""
    return target.with_name(f"{target.name}.{os.getpid()}.part")


def arrow(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Return rows as an Arrow table."""
    import pyarrow as pa

    return pa.Table.from_pylist([dict(row) for row in rows])


def pandas(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return rows as a pandas frame."""
    import pandas as pd

    return pd.DataFrame.from_records([dict(row) for row in rows])


def polars(rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Return rows as a polars frame."""
    import polars as pl

    return pl.from_dicts([dict(row) for row in rows], infer_schema_length=None)
