"""The public portal: find open data, look at it, chart it, take it along, and call it from a program.

Owns no table: it joins the catalog, the gate and the standards into what a visitor sees. Every row it shows came through the
gate, every number on its pages from a release record.
"""

from beijiang.opendata.ckan import Ckan, PackageReads
from beijiang.opendata.models import (
    Dataset,
    DatasetField,
    DataVersion,
    Department,
    DepartmentPage,
    FieldState,
    Home,
    Numbers,
    RowPage,
    Theme,
)
from beijiang.opendata.service import OpenData, Reading
from beijiang.opendata.tableview import printed, told

__all__ = [
    "Ckan",
    "DataVersion",
    "Dataset",
    "DatasetField",
    "Department",
    "DepartmentPage",
    "FieldState",
    "Home",
    "Numbers",
    "OpenData",
    "PackageReads",
    "Reading",
    "RowPage",
    "Theme",
    "printed",
    "told",
]
