"""Write a data set, or the whole catalog, to a file in one of the forms that programs read; the same bytes as the public address gives.

Only the whole catalog in RDF differs from its address, which gives a hundred data sets a page.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

import orjson

from beijiang.catalog import SearchQuery
from beijiang.kit import ANONYMOUS, Invalid, Language, NotFound, Text
from beijiang.opendata.exports import croissant, data_package, dcat, dcat_us
from beijiang.opendata.exports.described import CatalogPage
from beijiang.opendata.exports.schema_org import dataset as schema_org
from beijiang.opendata.exports.sheet import sheet
from beijiang.opendata.ogc import Asked, Teller
from beijiang.opendata.ogc.asking import MOST
from beijiang.protection import files
from beijiang.standards import SheetFormat

if TYPE_CHECKING:
    from beijiang.opendata.cities import Portal
    from beijiang.opendata.exports.described import Described
    from beijiang.opendata.exports.service import Exports
    from beijiang.opendata.ogc import Features
    from beijiang.opendata.service import OpenData

__all__ = ["CATALOG_FORMS", "DATASET_FORMS", "catalog_file", "dataset_file", "site_of"]

_RDF: Final = {"dcat": "ttl", "ttl": "ttl", "rdf": "rdf", "n3": "n3", "jsonld": "jsonld"}
DATASET_FORMS: Final = (*_RDF, "croissant", "datapackage", "schema.org", "geojson")
CATALOG_FORMS: Final = (*_RDF, "data.json", "csv", "xlsx")


def site_of(opendata: OpenData, portal: Portal | None = None) -> dcat.Site:
    """Return what a catalog says of its site: the region's, or that of a city."""
    region = opendata.region
    title = Text(opendata.title, f"{region.en} · open data")
    if portal is None:
        return dcat.Site(opendata.base, title, region)
    own = Text(f"{title.zh} · {portal.name_zh}", f"{title.en} · {portal.name_en}")
    return dcat.Site(opendata.base, own, region, portal.path)


def catalog_file(exports: Exports, opendata: OpenData, form: str, language: Language) -> bytes:
    """Return the whole public catalog.

    Raises:
        Invalid: there is no such form of a catalog.

    """
    _known(form, CATALOG_FORMS)
    every = exports.every(ANONYMOUS, SearchQuery())
    if form == "data.json":
        return _json(dcat_us.catalog(every, opendata.base, opendata.mail))
    if form in {"csv", "xlsx"}:
        return sheet(every, opendata.base, SheetFormat(form), language)
    sets = tuple(every)
    page = CatalogPage(datasets=sets, total=len(sets), page=1, size=max(1, len(sets)))
    return dcat.written(dcat.catalog(page, site_of(opendata), _RDF[form]), _RDF[form])


def dataset_file(
    exports: Exports, opendata: OpenData, features: Features, dataset_id: str, form: str
) -> Iterator[bytes]:
    """Yield one data set, described or with its features.

    Raises:
        Invalid: there is no such form of a data set.
        NotFound: there is no such data set, it is not published, or has nothing to give in this form.

    """
    _known(form, DATASET_FORMS)
    if form == "geojson":
        return _features(opendata, features, dataset_id)
    one = exports.one(ANONYMOUS, dataset_id, files.DownloadFormat.CSV)
    if form in _RDF:
        return iter((dcat.written(dcat.single(one, site_of(opendata)), _RDF[form]),))
    if form == "schema.org":
        return iter((_json(schema_org(one.dataset, opendata.base, opendata.title)),))
    if not one.files:
        raise NotFound(
            "这个数据集没有向公众开放的数据文件。",
            "This data set has no files that are open to the public.",
            code="no_open_rows",
        )
    tell: Callable[[Described, str], dict[str, Any]] = (
        croissant.dataset if form == "croissant" else data_package.package
    )
    return iter((_json(tell(one, opendata.base)),))


def _features(opendata: OpenData, features: Features, dataset_id: str) -> Iterator[bytes]:
    """Yield all features as one collection, a page at a time; each page is on record."""
    teller = Teller(opendata.base, opendata.title, Language.ZH)
    page = features.items(ANONYMOUS, dataset_id, lambda _: Asked(limit=MOST))

    def rest() -> Iterator[bytes]:
        here, between = page, b'{"type":"FeatureCollection","features":['
        while True:
            sent = b""
            for one in teller.items(here)["features"]:
                sent += between + orjson.dumps(one, default=files.plain)
                between = b","
            here.sent("beijiang data export", sent)
            yield sent
            if here.next is None:
                break
            cursor = here.next
            here = features.items(ANONYMOUS, dataset_id, lambda _, cursor=cursor: Asked(limit=MOST, cursor=cursor))  # type: ignore[misc]
        yield (between if between.startswith(b"{") else b"") + b"]}"

    return rest()


def _known(form: str, offered: tuple[str, ...]) -> None:
    if form not in offered:
        raise Invalid(
            f"没有这种格式。可选：{'、'.join(offered)}。",
            f"There is no such format. Choose one of: {', '.join(offered)}.",
            code="unknown_format",
            detail={"offered": [*offered]},
        )


def _json(told: dict[str, Any]) -> bytes:
    return json.dumps(told, ensure_ascii=False, indent=1).encode()
