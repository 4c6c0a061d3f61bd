"""OGC API Features, Part 1 Core (OGC 17-069): open data sets that lie on the map, for QGIS, GDAL and their like."""

from beijiang.opendata.ogc.asking import Asked, parse
from beijiang.opendata.ogc.service import Features
from beijiang.opendata.ogc.telling import Teller

__all__ = ["Asked", "Features", "Teller", "parse"]
