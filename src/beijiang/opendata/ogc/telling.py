"""Write what OGC API Features answers: links that are whole addresses of the public site, collections, features, the API document."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from beijiang.kit import Text
from beijiang.opendata.ogc.asking import DEFAULT_LIMIT, MOST

if TYPE_CHECKING:
    from beijiang.kit import Language
    from beijiang.opendata.ogc.service import Collection, Feature, FeaturePage
    from beijiang.tables import GovernedColumn

__all__ = ["API_TYPE", "CRS", "GEOJSON", "PREFIX", "Teller"]

PREFIX: Final = "/ogc"
JSON: Final = "application/json"
GEOJSON: Final = "application/geo+json"
API_TYPE: Final = "application/vnd.oai.openapi+json;version=3.0"
CRS: Final = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
GREGORIAN: Final = "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"
CLASSES: Final = tuple(
    f"http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/{name}" for name in ("core", "oas30", "geojson")
)
_ABOUT: Final = Text(
    "向公众开放的空间数据，按 OGC API Features 提供；无需登录。坐标按 WGS 84 经纬度给出。",
    "Open data that lie on the map, by OGC API Features; no sign-in is needed. Coordinates are WGS 84, longitude before latitude.",
)
_SCHEMAS: Final[dict[str, dict[str, str]]] = {
    "integer": {"type": "integer"}, "decimal": {"type": "number"}, "double": {"type": "number"},
    "boolean": {"type": "boolean"}, "date": {"type": "string", "format": "date"},
}  # fmt: skip


class Teller:
    """Writes answers in one language for one site."""

    def __init__(self, base: str, title: str, language: Language) -> None:
        self._base = base
        self._root = base + PREFIX
        self._title = title
        self._language = language

    def landing(self) -> dict[str, Any]:
        """Return the first page."""
        return {
            "title": self._title,
            "description": _ABOUT.in_language(self._language),
            "links": [
                _link(self._root, "self", JSON, self._words("本文档", "This document")),
                _link(f"{self._root}/api", "service-desc", API_TYPE, self._words("接口描述", "The API described")),
                _link(f"{self._base}/api", "service-doc", "text/html", self._words("接口说明", "The API explained")),
                _link(
                    f"{self._root}/conformance", "conformance", JSON, self._words("符合的标准", "What it conforms to")
                ),
                _link(f"{self._root}/collections", "data", JSON, self._words("要素集", "Collections")),
            ],
        }

    @staticmethod
    def conformance() -> dict[str, Any]:
        """Return the classes that it conforms to."""
        return {"conformsTo": [*CLASSES]}

    def collections(self, found: Sequence[Collection]) -> dict[str, Any]:
        """Return all collections."""
        address = f"{self._root}/collections"
        return {
            "links": [_link(address, "self", JSON, self._words("要素集", "Collections"))],
            "collections": [self.collection(one) for one in found],
        }

    def collection(self, one: Collection) -> dict[str, Any]:
        """Return one collection."""
        address = self._address(one.id)
        page = f"{self._base}/datasets/{quote(one.id)}"
        extent: dict[str, Any] = {}
        if one.box is not None:
            extent["spatial"] = {"bbox": [[*one.box]], "crs": CRS}
        if any(one.interval):
            extent["temporal"] = {"interval": [[_moment(end) for end in one.interval]], "trs": GREGORIAN}
        links = [
            _link(address, "self", JSON, one.dataset.title),
            _link(f"{address}/items", "items", GEOJSON, self._words("要素", "Features")),
            _link(page, "alternate", "text/html", self._words("数据集页面", "Page of the data set")),
        ]
        if one.dataset.licence and one.dataset.licence.url:
            links.append(_link(one.dataset.licence.url, "license", "text/html", one.dataset.licence.name.zh))
        return {
            "id": one.id,
            "title": one.dataset.title,
            "description": one.dataset.summary or one.dataset.title,
            "attribution": one.dataset.provider.in_language(self._language),
            **({"extent": extent} if extent else {}),
            "itemType": "feature",
            "crs": [CRS],
            "links": links,
        }

    def items(self, page: FeaturePage) -> dict[str, Any]:
        """Return a page of features."""
        address = f"{self._address(page.collection)}/items"
        pairs = [*page.asked.pairs]
        here = [*pairs, *([("cursor", page.asked.cursor)] if page.asked.cursor is not None else [])]
        links = [
            _link(_with(address, here), "self", GEOJSON, self._words("本页", "This page")),
            _link(self._address(page.collection), "collection", JSON, self._words("要素集", "The collection")),
        ]
        if page.next is not None:
            onward = _with(address, [*pairs, ("cursor", page.next)])
            links.append(_link(onward, "next", GEOJSON, self._words("下一页", "The next page")))
        return {
            "type": "FeatureCollection",
            "features": [_feature(one) for one in page.features],
            "links": links,
            "timeStamp": _moment(page.at),
            "numberMatched": page.matched,
            "numberReturned": len(page.features),
        }

    def item(self, page: FeaturePage) -> dict[str, Any]:
        """Return one feature."""
        one = page.features[0]
        address = f"{self._address(page.collection)}/items/{quote(one.id, safe='')}"
        links = [
            _link(address, "self", GEOJSON, self._words("本要素", "This feature")),
            _link(self._address(page.collection), "collection", JSON, self._words("要素集", "The collection")),
        ]
        return {**_feature(one), "links": links}

    def api(self, found: Sequence[Collection]) -> dict[str, Any]:
        """Return the description in OpenAPI 3.0, with the address of each collection written out (clients look for those)."""
        paths: dict[str, Any] = {
            "/": _operation("landing", "The first page", _json("object"), tag="server"),
            "/conformance": _operation("conformance", "What it conforms to", _json("object"), tag="server"),
            "/api": _operation("api", "This description", {API_TYPE: {"schema": {"type": "object"}}}, tag="server"),
            "/collections": _operation("collections", "All collections", _json("object"), tag="server"),
        }
        for one in found:
            start, title = f"/collections/{quote(one.id)}", one.dataset.title
            features = {GEOJSON: {"schema": {"type": "object"}}}
            every = [*_PARAMETERS, *(_parameter(c) for c in one.compared)]
            paths[start] = _operation(f"{one.id}.about", title, _json("object"))
            paths[f"{start}/items"] = _operation(f"{one.id}.items", f"{title}: features", features, every)
            paths[f"{start}/items/{{featureId}}"] = _operation(f"{one.id}.item", f"{title}: a feature", features, [_ID])
        return {
            "openapi": "3.0.3",
            "info": {"title": self._title, "description": _ABOUT.in_language(self._language), "version": "1.0.0"},
            "servers": [{"url": self._root}],
            "paths": paths,
            "components": {"schemas": {"Exception": _EXCEPTION}},
        }

    def _address(self, collection: str) -> str:
        return f"{self._root}/collections/{quote(collection)}"

    def _words(self, zh: str, en: str) -> str:
        return Text(zh, en).in_language(self._language)


_EXCEPTION: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["code"],
    "properties": {"code": {"type": "string"}, "description": {"type": "string"}},
}
_PARAMETERS: Final[tuple[dict[str, Any], ...]] = (
    {
        "name": "bbox", "in": "query", "required": False, "style": "form", "explode": False,
        "description": "West, south, east, north in degrees (heights in between are passed over).",
        "schema": {"type": "array", "minItems": 4, "maxItems": 6, "items": {"type": "number"}},
    },
    {
        "name": "datetime", "in": "query", "required": False, "style": "form", "explode": False,
        "description": "A moment or day of RFC 3339, or an interval; .. is an open end.",
        "schema": {"type": "string"},
    },
    {
        "name": "limit", "in": "query", "required": False, "style": "form", "explode": False,
        "description": "How many features at once; more than the greatest is taken as the greatest.",
        "schema": {"type": "integer", "minimum": 1, "maximum": MOST, "default": DEFAULT_LIMIT},
    },
    {
        "name": "cursor", "in": "query", "required": False, "style": "form", "explode": False,
        "description": "Where the page begins: take it from the link to the next page.",
        "schema": {"type": "string"},
    },
)  # fmt: skip
_ID: Final[dict[str, Any]] = {
    "name": "featureId",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "minLength": 1},
}


def _operation(
    name: str, summary: str, content: dict[str, Any], parameters: Sequence[dict[str, Any]] = (), tag: str = "features"
) -> dict[str, Any]:
    wrong = {
        "description": "It cannot be answered",
        "content": {JSON: {"schema": {"$ref": "#/components/schemas/Exception"}}},
    }
    answers: dict[str, Any] = {"200": {"description": "The answer", "content": content}}
    answers |= {"4XX": wrong, "5XX": wrong}
    told = {"operationId": name, "summary": summary, "tags": [tag], "responses": answers}
    return {"get": told | ({"parameters": [*parameters]} if parameters else {})}


def _parameter(column: GovernedColumn) -> dict[str, Any]:
    return {
        "name": column.name,
        "in": "query",
        "required": False,
        "style": "form",
        "explode": False,
        "description": column.comment or column.name,
        "schema": _SCHEMAS.get(column.type, {"type": "string"}),
    }


def _json(kind: str) -> dict[str, Any]:
    return {JSON: {"schema": {"type": kind}}}


def _feature(one: Feature) -> dict[str, Any]:
    return {"type": "Feature", "id": one.id, "geometry": one.geometry, "properties": one.properties}


def _link(address: str, rel: str, media: str, title: str) -> dict[str, str]:
    return {"href": address, "rel": rel, "type": media, "title": title}


def _with(address: str, pairs: Sequence[tuple[str, str]]) -> str:
    return f"{address}?{urlencode(pairs)}" if pairs else address


def _moment(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
