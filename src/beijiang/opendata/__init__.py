"""The public portal: find open data, look at it, chart it, take it along, and call it from a program.

Owns the table ``opendata_file`` (digests of files). It joins the catalog, the gate and the standards into what a visitor sees. Every row it shows came through the
gate, every number on its pages from a release record.
"""

from beijiang.opendata.exports.service import Exports
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
    "DataVersion",
    "Dataset",
    "DatasetField",
    "Department",
    "DepartmentPage",
    "Exports",
    "FieldState",
    "Home",
    "Numbers",
    "OpenData",
    "Reading",
    "RowPage",
    "Theme",
    "printed",
    "told",
]
