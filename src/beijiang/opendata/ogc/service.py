"""The verbs behind the map's face: which open sets lie on the earth, their features, and one of them. To a visitor's eyes, whoever asks."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from beijiang.access import Permission
from beijiang.catalog import Facet, OpenType, SearchQuery, Sort
from beijiang.kit import ANONYMOUS, Invalid, Malformed, NotFound
from beijiang.opendata.ogc.asking import WORDS, Asked
from beijiang.opendata.placing import Placement, chosen, extent_of, fitting, geometry_of, perhaps
from beijiang.protection import files
from beijiang.tables import Aggregate, Exit, Filter, FilterOp, Measure, MeasureFn

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from beijiang.access import Access
    from beijiang.kit import Actor, Clock
    from beijiang.opendata.models import Dataset
    from beijiang.opendata.service import OpenData
    from beijiang.tables import GovernedColumn, GovernedTable

__all__ = ["Collection", "Feature", "FeaturePage", "Features"]

PAGE: Final = 100
KEPT_BYTES: Final = 64 << 20
"""Of places of rows that searches found, kept for their next pages."""
EXTENTS: Final = 2_000
COMPARED: Final = frozenset({"text", "integer", "decimal", "double", "boolean", "date"})
KEYS: Final = frozenset({"text", "integer"})
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """An open data set whose rows lie on the earth."""

    dataset: Dataset
    placement: Placement
    columns: tuple[GovernedColumn, ...]
    box: tuple[float, float, float, float] | None
    """Around all of its places, as they are shown."""
    interval: tuple[datetime | None, datetime | None]
    version: int

    @property
    def id(self) -> str:
        """Return its id, that of the data set."""
        return self.dataset.id

    @property
    def compared(self) -> tuple[GovernedColumn, ...]:
        """Return the columns that a parameter of their name compares for equality."""
        return _compared(self.placement, self.columns)


@dataclass(frozen=True, slots=True)
class Feature:
    """A row on the map."""

    id: str
    geometry: Mapping[str, Any] | None
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeaturePage:
    """Some features, how many match, and where the next ones begin."""

    collection: str
    features: tuple[Feature, ...]
    matched: int
    next: str | None
    asked: Asked
    at: datetime
    governed: GovernedTable

    def sent(self, request: str, content: bytes) -> None:
        """Add to the receipt what was asked and the whole answer that was sent."""
        self.governed.delivered(files.digests(request, content), len(content))


class Features:
    """Open data that lie on the map, as OGC API Features gives them."""

    def __init__(self, opendata: OpenData, access: Access, clock: Clock) -> None:
        self._access = access
        self._clock = clock
        self._opendata = opendata
        self._guard = threading.Lock()
        self._found: OrderedDict[str, npt.NDArray[np.int64]] = OrderedDict()
        self._extents: OrderedDict[str, Any] = OrderedDict()

    @property
    def zone(self) -> str:
        """Return the time zone in which days are meant."""
        return self._opendata.zone

    def collections(self, actor: Actor) -> list[Collection]:
        """Return every open data set that lies on the earth, by name."""
        self._access.require(actor, Permission.OPENDATA_DATASET_READ)
        return [found for one in self._perhaps() if (found := self._collection(one)) is not None]

    def collection(self, actor: Actor, collection_id: str) -> Collection:
        """Return one.

        Raises:
            NotFound: there is no such data set, it is not open, or does not lie on the earth; all look the same.

        """
        self._access.require(actor, Permission.OPENDATA_DATASET_READ)
        governed, placement = self._opened(collection_id)
        return self._described(self._opendata.entry(ANONYMOUS, collection_id), governed, placement)

    def places(self, actor: Actor, dataset: Dataset) -> bool:
        """Tell whether a data set has features."""
        self._access.require(actor, Permission.OPENDATA_DATASET_READ)
        return dataset.readable and perhaps(dataset.items)

    def items(self, actor: Actor, collection_id: str, read: Callable[[Sequence[str]], Asked]) -> FeaturePage:
        """Return features; ``read`` is handed the names that may be compared, and says what is asked.

        Raises:
            NotFound: there is no such collection.
            Malformed: what is asked cannot be read, or the mark of the page is one of another version (``page_token``).

        """
        self._access.require(actor, Permission.OPENDATA_DATASET_READ)
        governed, placement = self._opened(collection_id)
        asked = read([column.name for column in _compared(placement, governed.columns)])
        try:
            places = self._matching(governed, placement, asked)
        except Invalid as error:
            raise Malformed(error.text.zh, error.text.en, code=error.reason, detail=error.detail) from None
        begin = 0 if asked.cursor is None else _after(governed, places, asked.cursor)
        here = places[begin : begin + asked.limit]
        more = begin + len(here) < len(places)
        return FeaturePage(
            collection=collection_id,
            features=tuple(self._features(governed, placement, here.tolist())),
            matched=len(places),
            next=governed.names_of([int(here[-1])])[0] if more else None,
            asked=asked,
            at=self._clock.now(),
            governed=governed,
        )

    def item(self, actor: Actor, collection_id: str, feature_id: str) -> FeaturePage:
        """Return one feature, as a page that holds it alone.

        Raises:
            NotFound: there is no such collection or feature.

        """
        self._access.require(actor, Permission.OPENDATA_DATASET_READ)
        governed, placement = self._opened(collection_id)
        key = _key(governed)
        if key is None:
            place = governed.place_of(feature_id)
            places = [] if place is None else [place]
        else:
            try:
                places = self._all(governed, (), None, (Filter(key, FilterOp.EQ, feature_id),))[:1].tolist()
            except Invalid:  # no value of this column
                places = []
        found = tuple(self._features(governed, placement, places)) if places else ()
        if not found:
            raise NotFound("没有这个要素。", "There is no such feature.", code="no_such_feature")
        return FeaturePage(
            collection=collection_id,
            features=found,
            matched=1,
            next=None,
            asked=Asked(),
            at=self._clock.now(),
            governed=governed,
        )

    # Inside

    def _perhaps(self) -> Iterator[Dataset]:
        query = SearchQuery(
            facets={Facet.OPEN_TYPE: frozenset({OpenType.UNCONDITIONAL.value})}, sort=Sort.NAME, size=PAGE
        )
        number = 1
        while True:
            page = self._opendata.search(ANONYMOUS, replace(query, page=number))
            for hit in page.hits:
                dataset = self._opendata.entry(ANONYMOUS, hit.id)
                if self.places(ANONYMOUS, dataset):
                    yield dataset
            if number * PAGE >= page.total or not page.hits:
                return
            number += 1

    def _collection(self, dataset: Dataset) -> Collection | None:
        try:
            governed, placement = self._opened(dataset.id)
        except NotFound:
            return None
        return self._described(dataset, governed, placement)

    def _opened(self, collection_id: str) -> tuple[GovernedTable, Placement]:
        try:
            governed = self._opendata.governed(ANONYMOUS, collection_id, Exit.FEATURES)
        except NotFound:
            raise _no_collection() from None
        placement = chosen(governed.columns)
        if placement is None:
            raise _no_collection()
        return governed, placement

    def _described(self, dataset: Dataset, governed: GovernedTable, placement: Placement) -> Collection:
        box, interval = self._remembered(self._extents, _print(governed), lambda: self._extent(governed, placement))
        return Collection(
            dataset=dataset,
            placement=placement,
            columns=governed.columns,
            box=box,
            interval=interval,
            version=governed.version,
        )

    def _extent(self, governed: GovernedTable, placement: Placement) -> tuple[Any, Any]:
        """Measure around all rows as they are shown to a visitor."""
        import numpy as np

        boxes: list[tuple[float, float, float, float]] = []

        def look(batch: pa.RecordBatch) -> npt.NDArray[np.bool_]:
            if (found := extent_of(placement, batch)) is not None:
                boxes.append(found)
            return np.zeros(batch.num_rows, dtype=bool)

        governed.places(placement.columns, look)
        west, south, east, north = zip(*boxes, strict=True) if boxes else ((), (), (), ())
        box = (min(west), min(south), max(east), max(north)) if boxes else None
        if placement.moment is None:
            return box, (None, None)
        ends = (Measure(MeasureFn.MIN, placement.moment), Measure(MeasureFn.MAX, placement.moment))
        first, last = (
            column.to_pylist()[0] for column in governed.aggregate(Aggregate(measures=ends, limit=1)).columns
        )
        return box, (_moment(first), _moment(last))

    def _matching(self, governed: GovernedTable, placement: Placement, asked: Asked) -> npt.NDArray[np.int64]:
        needed = [*placement.columns] if asked.box is not None else []
        needed += [placement.moment] if asked.moments is not None and placement.moment else []
        test = fitting(placement, asked.box, asked.moments, self.zone) if needed else None
        said = json.dumps([pair for pair in asked.pairs if pair[0] != "limit"], ensure_ascii=False)
        mark = f"{_print(governed)} {said}"
        with self._guard:
            known = self._found.get(mark)
            if known is not None:
                self._found.move_to_end(mark)
                return known
        found = self._all(governed, needed, test, asked.filters)
        with self._guard:
            self._found[mark] = found
            while sum(one.nbytes for one in self._found.values()) > KEPT_BYTES and len(self._found) > 1:
                self._found.popitem(last=False)
        return found

    @staticmethod
    def _all(
        governed: GovernedTable,
        columns: Sequence[str],
        test: Callable[[pa.RecordBatch], npt.NDArray[np.bool_]] | None,
        filters: Sequence[Filter],
    ) -> npt.NDArray[np.int64]:
        import numpy as np

        def every(batch: pa.RecordBatch) -> npt.NDArray[np.bool_]:
            return np.ones(batch.num_rows, dtype=bool)

        return governed.places(columns, test or every, filters)

    def _features(self, governed: GovernedTable, placement: Placement, places: Sequence[int]) -> Iterator[Feature]:
        if not len(places):
            return
        rows = governed.rows_of(places)
        shapes = geometry_of(placement, rows)
        key = _key(governed)
        names = governed.names_of(places) if key is None else [str(value) for value in rows.column(key).to_pylist()]
        hidden = () if placement.is_point else placement.columns
        shown = rows.select([c for c in rows.schema.names if c not in hidden])
        for name, shape, properties in zip(names, shapes, files.records(shown, self.zone), strict=True):
            yield Feature(name, shape, properties)

    def _remembered(self, shelf: OrderedDict[str, Any], mark: str, make: Callable[[], T]) -> T:
        with self._guard:
            if mark in shelf:
                found: T = shelf[mark]
                return found
        found = make()
        with self._guard:
            shelf[mark] = found
            while len(shelf) > EXTENTS:
                shelf.popitem(last=False)
        return found


def _print(governed: GovernedTable) -> str:
    """Name what this reader sees of the version: columns, types, masks, rows."""
    basis = [governed.table, governed.version, governed.obligations, [(c.name, c.type) for c in governed.columns]]
    return hashlib.sha256(json.dumps(basis, ensure_ascii=False).encode()).hexdigest()


def _compared(placement: Placement, columns: Sequence[GovernedColumn]) -> tuple[GovernedColumn, ...]:
    shapes = () if placement.is_point else placement.columns
    return tuple(c for c in columns if c.type in COMPARED and c.name not in shapes and c.name not in WORDS)


def _key(governed: GovernedTable) -> str | None:
    """Return the column whose value names a feature for good; None where it is named by its place in the version."""
    kinds = {column.name: column.type for column in governed.columns}
    key = governed.key
    return key[0] if len(key) == 1 and kinds[key[0]] in KEYS else None


def _after(governed: GovernedTable, places: npt.NDArray[np.int64], cursor: str) -> int:
    import numpy as np

    place = governed.place_of(cursor)
    if place is None:
        raise Malformed(
            "翻页标记无效或已过期：数据版本或权限已经改变。请从第一页重新开始。",
            "The mark of the page is not valid any more: version or rights have changed. Start again from the first page.",
            code="page_token",
            detail={"parameter": "cursor"},
        )
    return int(np.searchsorted(places, place, side="right"))


def _moment(value: date | datetime | None) -> datetime | None:
    if value is None or isinstance(value, datetime):
        return value
    return datetime(value.year, value.month, value.day, tzinfo=UTC)


def _no_collection() -> NotFound:
    return NotFound(
        "没有这个要素集，或者它没有向公众开放的位置数据。",
        "There is no such collection, or it has no places that are open to the public.",
        code="no_such_collection",
    )
