"""The verbs behind the machine-readable faces: pages of the catalog, one data set, and files whose bytes are known."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.catalog import Facet, SearchQuery, Sort
from beijiang.kit import ANONYMOUS, NotFound
from beijiang.opendata.exports.described import CatalogPage, Described
from beijiang.opendata.models import FileFace
from beijiang.opendata.store import FileStore
from beijiang.protection import files, rowquery
from beijiang.tables import Exit

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.db import Database
    from beijiang.kit import Actor, Clock
    from beijiang.opendata.service import OpenData, Reading

__all__ = ["PAGE", "PART", "Exports"]

PAGE: Final = 100
"""Data sets on a page of the catalog."""
PART: Final = 1000
"""Data sets in a part of ``data.json``, which stays far below the 10 MB that validators read."""
_NAME: Final = re.compile(r"v(\d{1,9})-([0-9a-f]{16})\.(csv)", re.ASCII)


class Exports:
    """The public catalog as machines read it: the view of somebody who has not signed in, whoever asks."""

    def __init__(self, db: Database, opendata: OpenData, access: Access, clock: Clock) -> None:
        self._access = access
        self._db = db
        self._opendata = opendata
        self._clock = clock
        self._guard = threading.Lock()
        self._making: dict[tuple[str, str], threading.Lock] = {}

    def page(self, actor: Actor, query: SearchQuery, since: datetime | None = None) -> CatalogPage:
        """Return a page of the published data sets, by name; with ``since`` those that changed then or later."""
        opendata = self._opendata
        query = replace(query, sort=query.sort if query.text else Sort.NAME, size=PAGE)
        if since is None:
            found = opendata.search(actor, query)
            ids, total = [hit.id for hit in found.hits], found.total
        else:
            changed = list(self._changed(actor, query, since))
            ids, total = changed[(query.page - 1) * PAGE : query.page * PAGE], len(changed)
        sets = tuple(Described(dataset=opendata.entry(ANONYMOUS, id_)) for id_ in ids)
        return CatalogPage(datasets=sets, total=total, page=query.page, size=PAGE)

    def department(self, actor: Actor, org_id: str, query: SearchQuery, since: datetime | None = None) -> CatalogPage:
        """Return a page of what one department has published.

        Raises:
            NotFound: there is no such department, or it has published nothing.

        """
        known = self._opendata.department(actor, org_id, SearchQuery(size=1))
        narrowed = replace(query, facets={**query.facets, Facet.DEPARTMENT: frozenset({org_id})})
        return replace(self.page(actor, narrowed, since), publisher_id=org_id, publisher=known.name)

    def every(self, actor: Actor, query: SearchQuery, since: datetime | None = None) -> Iterator[Described]:
        """Yield all published data sets, a page at a time."""
        number = 1
        while True:
            found = self.page(actor, replace(query, page=number), since)
            yield from found.datasets
            if not found.datasets or number >= found.last:
                return
            number += 1

    def every_of(
        self, actor: Actor, org_id: str, query: SearchQuery, since: datetime | None = None
    ) -> Iterator[Described]:
        """Yield all that one department has published.

        Raises:
            NotFound: there is no such department, or it has published nothing.

        """
        self._opendata.department(actor, org_id, SearchQuery(size=1))
        narrowed = replace(query, facets={**query.facets, Facet.DEPARTMENT: frozenset({org_id})})
        return self.every(actor, narrowed, since)

    def part(
        self, actor: Actor, query: SearchQuery, since: datetime | None = None
    ) -> tuple[tuple[Described, ...], bool]:
        """Return a part of the catalog, ``PART`` data sets large, and whether another follows."""
        found: list[Described] = []
        first = (query.page - 1) * (PART // PAGE) + 1
        page = self.page(actor, replace(query, page=first), since)
        while True:
            found += page.datasets
            if page.page >= page.last or len(found) >= PART:
                return tuple(found), page.page < page.last
            page = self.page(actor, replace(query, page=page.page + 1), since)

    def one(self, actor: Actor, dataset_id: str, *forms: files.DownloadFormat) -> Described:
        """Return one data set with its columns, and the digests of its files in some forms.

        A digest that is not known is taken of the file now, once for each version of the rows.

        Raises:
            NotFound: there is no such data set, or it is not published.

        """
        self._access.require(actor, Permission.OPENDATA_DATASET_READ)
        dataset = self._opendata.dataset(_public(actor), dataset_id)
        faces = tuple(self._face(dataset_id, form) for form in forms) if dataset.readable else ()
        return Described(dataset=dataset, files=faces)

    def file(self, actor: Actor, dataset_id: str, name: str, request: str) -> tuple[FileFace, files.Download]:
        """Return the file of these bytes, if it is still the one of the released rows.

        Raises:
            NotFound: there is no such file, no longer, or its rows are not open.

        """
        self._access.require(actor, Permission.OPENDATA_DATASET_READ)
        face, reading, order = self._named(actor, dataset_id, name)
        return face, reading.file(replace(order, request=request))

    def head(self, actor: Actor, dataset_id: str, name: str) -> FileFace:
        """Return what is known of a file without writing it."""
        self._access.require(actor, Permission.OPENDATA_DATASET_READ)
        return self._named(actor, dataset_id, name)[0]

    # Inside

    def _changed(self, actor: Actor, query: SearchQuery, since: datetime) -> Iterator[str]:
        number = 1
        while True:
            found = self._opendata.search(actor, replace(query, page=number))
            for hit in found.hits:
                if max(at for at in (hit.published_at, hit.data_at, since) if at) > since:
                    yield hit.id
            if number * PAGE >= found.total or not found.hits:
                return
            number += 1

    def _named(self, actor: Actor, dataset_id: str, name: str) -> tuple[FileFace, Reading, files.DownloadOrder]:
        told = _NAME.fullmatch(name)
        if told is None:
            raise _no_file()
        form = files.DownloadFormat(told[3])
        reading = self._opendata.read(_public(actor), dataset_id, Exit.DOWNLOAD)
        order = self._order(form)
        with self._db.read() as connection:
            face = FileStore(connection).known(dataset_id, form.value, _basis(reading, order))
        if face is None or face.name != name:
            raise _no_file()
        return face, reading, order

    def _face(self, dataset_id: str, form: files.DownloadFormat) -> FileFace:
        reading = self._opendata.read(ANONYMOUS, dataset_id, Exit.DOWNLOAD)
        order = self._order(form)
        basis = _basis(reading, order)
        with self._guard:
            making = self._making.setdefault((dataset_id, form.value), threading.Lock())
        with making:
            with self._db.read() as connection:
                known = FileStore(connection).known(dataset_id, form.value, basis)
            if known is not None:
                return known
            digest, size = hashlib.sha256(), 0
            for piece in reading.file(order).content:
                digest.update(piece)
                size += len(piece)
            face = FileFace(form.value, reading.version, digest.hexdigest(), size)
            with self._db.begin() as tx:
                FileStore(tx.connection).put(dataset_id, face, basis, self._clock.now())
            return face

    def _order(self, form: files.DownloadFormat) -> files.DownloadOrder:
        return files.DownloadOrder(form=form, zone=self._opendata.zone)


def _public(actor: Actor) -> Actor:
    """Return a visitor: what was made for one reader would be kept by a cache for the next."""
    del actor
    return ANONYMOUS


def _basis(reading: Reading, order: files.DownloadOrder) -> str:
    whole = rowquery.RowQuery()
    return hashlib.sha256(f"{reading.tag(whole)} {order.form} {order.encoding} {order.zone}".encode()).hexdigest()


def _no_file() -> NotFound:
    return NotFound(
        "没有这个文件，或者它已被新版本取代。请重新读取数据集的描述（datapackage.json 或 croissant.jsonld），其中有现行文件的地址。",
        "There is no such file, or a newer version took its place. Read the description again (datapackage.json or croissant.jsonld): it names the present one.",
        code="no_such_file",
    )
