"""The forms in which a data set is described and handed over to programs: what each is called, where it stands, whom it is for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from beijiang.kit import Text

if TYPE_CHECKING:
    from beijiang.opendata.models import Dataset

__all__ = ["Face", "faces"]


@dataclass(frozen=True, slots=True)
class Face:
    """One form of a data set, with its whole address."""

    key: str
    """The word for ``beijiang data export --format``."""
    name: str
    address: str
    reader: Text


_DESCRIBED: Final = (
    ("dcat", "DCAT-AP 3 (Turtle)", "/datasets/{id}.ttl", Text("目录系统、知识图谱", "catalogs and knowledge graphs")),
    ("jsonld", "DCAT-AP 3 (JSON-LD)", "/datasets/{id}.jsonld", Text("网页与知识图谱程序", "programs of the web")),
)
_WITH_ROWS: Final = (
    ("croissant", "Croissant 1.0", "/datasets/{id}/croissant.jsonld", Text("机器学习工具", "tools of machine learning")),
    ("datapackage", "Data Package", "/datasets/{id}/datapackage.json", Text("frictionless 等数据工具", "frictionless and other tools")),
)  # fmt: skip
_ON_MAPS: Final = (
    "geojson",
    "OGC API Features",
    "/ogc/collections/{id}",
    Text("QGIS、GDAL 等地图工具", "QGIS, GDAL and other tools for maps"),
)


def faces(dataset: Dataset, base: str) -> tuple[Face, ...]:
    """Return the forms that a data set has."""
    found = [*_DESCRIBED, *(_WITH_ROWS if dataset.readable else ())]
    found += [_ON_MAPS] if dataset.readable and dataset.on_earth else []
    return tuple(Face(key, name, base + path.format(id=quote(dataset.id)), reader) for key, name, path, reader in found)
