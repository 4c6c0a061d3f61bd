"""What connectors to files over HTTP share: asking for one file, and telling whether it is still the same one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from beijiang.ingest.connectors import rest_troubles
from beijiang.ingest.connectors.files import file_changed, file_forbidden
from beijiang.outbound import Http, HttpLimits

if TYPE_CHECKING:
    from beijiang.ingest.models import Found
    from beijiang.kit import BeijiangError
    from beijiang.outbound import Credentials, Outbound, Url

__all__ = ["OK", "bytes_of", "client", "refused", "size_of", "when"]

OK: Final = 200
_GONE: Final = frozenset({404, 409, 410, 412})
_NOT_ALLOWED: Final = 403
_BUSY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_LARGEST: Final = 1 << 40
"""The landing store has its own, lower limit for a file."""
_LONGEST: Final = 4 * 3600.0


def client(outbound: Outbound, authority: str) -> Http:
    """Return a client whose exchanges may bring a large file."""
    return Http(outbound, HttpLimits(body=_LARGEST, seconds=_LONGEST), authority)


def refused(status: int) -> BeijiangError:
    """Say what a status that is no success means for the whole source."""
    return rest_troubles.busy(status) if status in _BUSY else rest_troubles.status(status)


def bytes_of(http: Http, url: str | Url, found: Found, credentials: Credentials) -> Iterator[bytes]:
    """Yield a file, as long as it is the one that was listed."""
    given = {"Accept-Encoding": "identity"}
    came = 0
    with http.open("GET", url, headers=given, credentials=credentials) as answer:
        if answer.status in _GONE:
            raise file_changed()
        if answer.status == _NOT_ALLOWED:
            raise file_forbidden()
        if answer.status != OK:
            raise refused(answer.status)
        for piece in answer.pieces():
            came += len(piece)
            yield piece
    if found.size is not None and came != found.size:
        raise file_changed()


def size_of(text: str) -> int | None:
    """Return a size that a server tells, if it is one."""
    return int(text[:18]) if text.isascii() and text.isdigit() else None


def when(text: str) -> datetime | None:
    """Return a moment that a server tells, if it is one."""
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return None
