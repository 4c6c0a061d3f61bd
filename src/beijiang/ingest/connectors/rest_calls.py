"""Asking a web service page after page: no faster than it likes, again where it is busy, and never in circles."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

from beijiang.ingest.connectors import rest_troubles as troubles
from beijiang.ingest.connectors.documents import MISSING, digest, find, parse, steps, text_of
from beijiang.kit import BeijiangError
from beijiang.outbound import Http, HttpLimits, parsed

if TYPE_CHECKING:
    from beijiang.ingest.connectors.rest_options import Endpoint
    from beijiang.outbound import Credentials, HttpAnswer, Outbound, Url

__all__ = ["CallAuth", "CallOptions", "Calls", "Page", "next_address", "pages"]

_PAUSES: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
_LONGEST: Final = 300.0
"""Seconds that are waited because the service says so; after a longer wait the run begins anew."""
_BUSY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_LOGIN: Final = 401
_EMPTY: Final = 204
_OK: Final = range(200, 300)
_MIB: Final = 1024 * 1024
_LINK: Final = re.compile(r"<([^<>]*)>([^<]*)")
_REL: Final = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\",;\s]*))", re.IGNORECASE)


class CallOptions(Protocol):
    """How patiently a service is asked."""

    @property
    def page_mib(self) -> int:
        """Largest answer, unpacked."""

    @property
    def seconds(self) -> float:
        """Longest time for one answer."""

    @property
    def retries(self) -> int:
        """How often a request is tried again."""

    @property
    def per_second(self) -> float:
        """Requests per second at most; 0: no limit of ours."""

    @property
    def authority(self) -> str:
        """An authority's certificate that is trusted too."""


class CallAuth(Protocol):
    """Who asks."""

    def credentials(self, http: Http, service: str) -> Credentials:
        """Return what goes with a request."""

    def renew(self) -> bool:
        """Forget a token that was refused; tell whether another one can be had."""


class Calls:
    """Requests to one service, from one thread."""

    def __init__(
        self, options: CallOptions, outbound: Outbound, auth: CallAuth, accept: str = "application/json"
    ) -> None:
        self._options = options
        self._auth = auth
        self._accept = accept
        self._next = 0.0
        limits = HttpLimits(body=options.page_mib * _MIB, seconds=options.seconds)
        self._http = Http(outbound, limits, options.authority)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, url: Url, service: str) -> HttpAnswer:
        """Return the answer, which is a success.

        Raises:
            Unavailable: the service stays busy or silent. Invalid: it refuses.

        """
        renewed, tried = False, 0
        while True:
            pause: float | None = _PAUSES[min(tried, len(_PAUSES) - 1)]
            last = tried >= self._options.retries
            try:
                answer = self._ask(url, service)
            except BeijiangError as error:
                if not error.transient or last:
                    raise
            else:
                if answer.status == _LOGIN and not renewed and self._auth.renew():
                    renewed = True
                    continue
                if answer.status not in _BUSY:
                    break
                told = _retry_after(answer.headers.get("retry-after", ""))
                if last or (told or 0) > _LONGEST:
                    raise troubles.busy(answer.status, told)
                pause = told if told is not None else pause
            tried += 1
            time.sleep(pause or 0)
        if answer.status not in _OK:
            raise troubles.status(answer.status)
        return answer

    def _ask(self, url: Url, service: str) -> HttpAnswer:
        now = time.monotonic()
        if self._options.per_second:
            begin = max(now, self._next)
            self._next = begin + 1 / self._options.per_second
            time.sleep(begin - now)
        shown = self._auth.credentials(self._http, service)
        return self._http.fetch("GET", url, headers={"Accept": self._accept}, credentials=shown)


def _retry_after(text: str) -> float | None:
    """Return how long a service asks us to wait: seconds, or until a moment."""
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)


@dataclass(frozen=True, slots=True)
class Page:
    """The rows of one answer, and how large it was."""

    rows: list[Any]
    size: int


def pages(calls: Calls, base: str, endpoint: Endpoint, query: Mapping[str, str]) -> Iterator[Page]:
    """Yield every page of an end-point, to the last; one that comes twice, or too many, is an error."""
    paging, walk = endpoint.paging, _Walk(endpoint, _first(base, endpoint, query))
    rows_at, seen, came = steps(endpoint.rows), _Seen(), 0
    while True:
        answer = calls.get(walk.url, endpoint.service)
        document, rows = None, []
        if answer.status != _EMPTY:
            document = parse(answer.body, answer.headers.get("content-type", ""))
            rows = _rows(document, endpoint, rows_at)
        if rows and not seen.new(rows):
            raise troubles.endless("same_page", walk.number)
        came += len(rows)
        yield Page(rows, len(answer.body))
        told = _total(document, paging.total)
        if not walk.on(document, answer, len(rows), came, told):
            break
        if walk.number > paging.max_pages:
            raise troubles.endless("cap", walk.number)
    if told is not None and came < told:
        raise troubles.short(came, told)


class _Seen:
    """What has been there before, in sixteen bytes each."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def new(self, value: Any) -> bool:
        """Tell whether a value has not been there before, and remember it."""
        mark = digest(value)
        known = mark in self._seen
        self._seen.add(mark)
        return not known


class _Walk:
    """Where the next page is."""

    def __init__(self, endpoint: Endpoint, url: Url) -> None:
        self.url = url
        self.number = 1
        self._endpoint = endpoint
        self._paging = endpoint.paging
        self._marks = _Seen()

    def on(self, document: Any, answer: HttpAnswer, rows: int, came: int, told: int | None) -> bool:
        """Go to the next page; tell whether there is one.

        A short page is no last page: a service may give fewer rows than it is asked for. An empty one is.
        """
        by = self._paging.by
        if by in {"page", "offset"}:
            if not rows or (told is not None and came >= told):
                return False
            value = self._paging.first + self.number if by == "page" else came
            self.url = self.url.copy_set_param(self._paging.parameter or by, str(value))
        elif by == "none" or not (mark := self._mark(document, answer)):
            return False
        else:
            if not self._marks.new(mark):
                raise troubles.endless("same_mark", self.number)
            if by == "cursor":
                self.url = self.url.copy_set_param(self._paging.parameter or by, mark)
            else:
                self.url = next_address(self.url, mark)
        self.number += 1
        return True

    def _mark(self, document: Any, answer: HttpAnswer) -> str:
        if self._paging.by == "link":
            return _linked(answer.headers.get("link", ""))
        found = find(document, steps(self._paging.path))
        return "" if found is False else (text_of(found) or "")


def _first(base: str, endpoint: Endpoint, query: Mapping[str, str]) -> Url:
    paging = endpoint.paging
    url = parsed(f"{base.rstrip('/')}/{endpoint.path.lstrip('/')}" if endpoint.path else base)
    given = dict(query)
    if paging.size:
        given[paging.size_parameter] = str(paging.size)
    if paging.by in {"page", "offset"}:
        given[paging.parameter or paging.by] = str(paging.first if paging.by == "page" else 0)
    return url.copy_merge_params(given) if given else url


def next_address(url: Url, mark: str) -> Url:
    """Return the address that a page names as the next; it keeps scheme and port, and never leaves the host.

    Services behind a proxy often name themselves with the wrong scheme or port.
    """
    try:
        target = parsed(url.join(mark))
    except Exception as error:
        raise troubles.leads_elsewhere() from error
    if target.raw_host.lower() != url.raw_host.lower():
        raise troubles.leads_elsewhere()
    return url.copy_with(raw_path=target.raw_path)


def _linked(header: str) -> str:
    """Return the target of ``rel="next"`` in a Link header (RFC 8288)."""
    for target, parameters in _LINK.findall(header):
        rel = _REL.search(parameters)
        if rel and "next" in (rel[1] or rel[2]).lower().split():
            return str(target)
    return ""


def _rows(document: Any, endpoint: Endpoint, path: tuple[str, ...]) -> list[Any]:
    if endpoint.ok:
        code = find(document, steps(endpoint.ok))
        if (text_of(code) or "") not in endpoint.ok_values:
            raise troubles.not_ok(text_of(code) or "")
    found = find(document, path)
    if found is None and endpoint.ok:
        return []  # the service says that all is well, and that there is nothing
    if not isinstance(found, list) or not all(isinstance(row, dict | list) for row in found):
        raise troubles.no_rows(endpoint.rows)
    return found


def _total(document: Any, path: str) -> int | None:
    if not path:
        return None
    found = find(document, steps(path))
    text = "" if found is MISSING else (text_of(found) or "")
    return int(text[:18]) if text.isascii() and text.isdigit() else None
