"""The verbs of portals of cities and counties: the data authority sets them, and each request finds its own.

A portal is found by a path, ``/p/CODE``, or by a host name that is configured here; no other host name means anything. What it
shows is what its region and all below offer, by the catalog's own search with one more condition.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from beijiang.access import Permission
from beijiang.catalog import Facet
from beijiang.kit import Conflict, Invalid, NotFound
from beijiang.opendata.cities import Portal, checked_logo
from beijiang.opendata.store import CityStore

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from beijiang.catalog import SearchPage, SearchQuery
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.opendata.cities import PortalDraft
    from beijiang.opendata.registering import PublicParts

__all__ = ["Portals", "narrowed", "seen_within"]

PORTALS_MOST: Final = 200
KEPT_FOR: Final = timedelta(seconds=10)
"""How long another process may show a portal as it was; this one knows its own changes at once."""
_NOWHERE: Final = frozenset({"-"})


class Portals:
    """Portals of cities and counties from this installation."""

    def __init__(self, parts: PublicParts, public_url: str) -> None:
        self.parts = parts
        self._db = parts.db
        self._home = urlsplit(public_url).hostname or ""
        self._known: tuple[datetime, Mapping[str, Portal]] | None = None

    def portals(self, actor: Actor) -> Sequence[Portal]:
        """Return every portal, by code; they are public."""
        self.parts.access.require(actor, Permission.OPENDATA_DATASET_READ)
        return tuple(self._all().values())

    def portal(self, actor: Actor, code: str) -> Portal:
        """Return one portal.

        Raises:
            NotFound: no such portal.

        """
        self.parts.access.require(actor, Permission.OPENDATA_DATASET_READ)
        return self._get(code)

    def put(self, actor: Actor, draft: PortalDraft) -> Portal:
        """Set a portal up, or change it.

        Raises:
            Invalid: a field will not do: an unknown region, a colour without contrast, a host that is no host name.
            Conflict: another portal or the region itself has that host, or there are too many portals.

        """
        self.parts.access.require(actor, Permission.OPENDATA_PORTAL_MANAGE)
        draft = draft.checked()
        regions = self._regions(draft.region_code)
        self._known = None
        known = self._all()
        before = known.get(draft.code)
        taken = {one.host for one in known.values() if one.code != draft.code and one.host} | {self._home}
        if draft.host in taken or (before is None and len(known) >= PORTALS_MOST):
            raise Conflict(
                f"域名 {draft.host or '—'} 已被使用，或门户已满 {PORTALS_MOST} 个。",
                f"The host {draft.host or '-'} is in use, or there are {PORTALS_MOST} portals already.",
                code="portal_taken",
            )
        fields = {name: getattr(draft, name) for name in draft.__dataclass_fields__}
        made = Portal(
            **fields,
            regions=regions,
            revision=1 if before is None else before.revision + 1,
            at=self.parts.clock.now(),
            logo_kind="" if before is None else before.logo_kind,
            logo_digest="" if before is None else before.logo_digest,
        )
        detail: dict[str, JsonValue] = {"region": made.region_code, "host": made.host, "revision": made.revision}
        with self._db.begin() as tx:
            CityStore(tx.connection).put(made, fresh=before is None)
            self.parts.evidence.record(tx, actor, "opendata.portal_set", target=made.code, detail=detail)
        self._known = None
        return made

    def put_logo(self, actor: Actor, code: str, content: bytes) -> Portal:
        """Give a portal a picture; nothing takes it away.

        Raises:
            NotFound: no such portal.
            Invalid: it is too large, or no picture.

        """
        self.parts.access.require(actor, Permission.OPENDATA_PORTAL_MANAGE)
        found = self._get(code)
        kind = checked_logo(content) if content else ""
        digest = hashlib.sha256(content).hexdigest() if content else ""
        with self._db.begin() as tx:
            CityStore(tx.connection).put_logo(found.code, content or None, kind, digest)
            self.parts.evidence.record(tx, actor, "opendata.portal_logo", target=found.code, detail={"sha256": digest})
        self._known = None
        return replace(found, logo_kind=kind, logo_digest=digest)

    def remove(self, actor: Actor, code: str) -> None:
        """Take a portal away; what it showed stays where it is.

        Raises:
            NotFound: no such portal.

        """
        self.parts.access.require(actor, Permission.OPENDATA_PORTAL_MANAGE)
        found = self._get(code)
        with self._db.begin() as tx:
            CityStore(tx.connection).remove(found.code)
            self.parts.evidence.record(tx, actor, "opendata.portal_remove", target=found.code)
        self._known = None

    # What each request asks

    def of_code(self, code: str) -> Portal | None:
        """Return the portal of a path."""
        return self._all().get(code)

    def is_home(self, host: str) -> bool:
        """Tell whether a host is none, or the region's own: it is no portal's, and nothing has to be asked."""
        return _name_of(host) in {"", self._home}

    def of_host(self, host: str) -> Portal | None:
        """Return the portal of a configured host name; None for every other, whatever it says."""
        name = _name_of(host)
        if self.is_home(host):
            return None
        return next((one for one in self._all().values() if one.host == name), None)

    def drawn(self, name: str) -> tuple[bytes, str]:
        """Return a stylesheet or picture of a portal by the last part of its address, and its media type.

        Raises:
            NotFound: there is none of that name, or no longer.

        """
        from beijiang.opendata.cities import LOGO_KINDS

        for one in self._all().values():
            if one.style.endswith(f"/{name}"):
                return one.css.encode(), "text/css; charset=utf-8"
            if one.logo and one.logo.endswith(f"/{name}"):
                with self._db.read() as connection:
                    content = CityStore(connection).logo(one.code)
                if content is not None:
                    return content, LOGO_KINDS[one.logo_kind]
        raise _no_portal()

    def _all(self) -> Mapping[str, Portal]:
        now, known = self.parts.clock.now(), self._known
        if known is None or not timedelta() <= now - known[0] < KEPT_FOR:
            with self._db.read() as connection:
                rows = CityStore(connection).all()
            known = self._known = (now, {row["code"]: self._portal(row) for row in rows})
        return known[1]

    def _portal(self, row: Mapping[str, Any]) -> Portal:
        kept = {**row, "host": row["host"] or "", "themes": tuple(row["themes"])}
        return Portal(**kept, regions=self._regions(row["region_code"]))

    def _regions(self, code: str) -> frozenset[str]:
        regions = {one.code: one for one in self.parts.standards.regions()}
        if code not in regions:
            raise Invalid(f"没有行政区划代码 {code[:20]}。", f"There is no region {code[:20]}.", code="unknown_region")
        found = {code}
        while more := {one.code for one in regions.values() if one.parent in found} - found:
            found |= more
        return frozenset(found)

    def _get(self, code: str) -> Portal:
        found = self._all().get(code)
        if found is None:
            raise _no_portal()
        return found


def narrowed(query: SearchQuery, portal: Portal | None) -> SearchQuery:
    """Return a query with the regions of a portal: of those that the reader chose the ones that lie in it."""
    if portal is None:
        return query
    chosen = query.facets.get(Facet.REGION, frozenset())
    regions = (chosen & portal.regions or _NOWHERE) if chosen else portal.regions
    return replace(query, facets={**query.facets, Facet.REGION: regions})


def seen_within(page: SearchPage, query: SearchQuery, portal: Portal | None) -> SearchPage:
    """Return results with the regions of a portal alone to choose from, marked as the reader chose them."""
    if portal is None:
        return page
    chosen = query.facets.get(Facet.REGION, frozenset())
    counts = tuple(
        replace(one, selected=one.value in chosen)
        for one in page.facets.get(Facet.REGION, ())
        if one.value in portal.regions and (one.count or one.value in chosen)
    )
    return replace(page, facets={**page.facets, Facet.REGION: counts})


def _name_of(host: str) -> str:
    """Return the name in a Host header, without its port."""
    name, _, port = host.rpartition(":")
    return (name if port.isdecimal() else host).lower()


def _no_portal() -> NotFound:
    return NotFound(
        "没有这个分门户。全部分门户见门户“关于”页。",
        "There is no such portal. All of them are named on the page About.",
        code="portal_not_found",
    )
