"""The lakehouse tables: Delta tables under ``home/lake``, written in whole versions and read through the gate only.

Owns the metadata tables ``lake_table`` and ``lake_version``. ``Lake`` hands out physical files: only ``Tables`` itself
and ``protection.Gate`` may use it, which a house test checks. ``Measures`` counts in it for others and lets numbers out.
"""

from beijiang.tables import models
from beijiang.tables.events import TableWritten
from beijiang.tables.models import *  # noqa: F403 - the front door shows the whole vocabulary
from beijiang.tables.service import Between, Derived, Measured, Measures, Moved, Tables, check_spec
from beijiang.tables.store import Lake
from beijiang.tables.store.comparing import MINE, row_tallies

__all__ = [
    "MINE",
    "Between",
    "Derived",
    "Lake",
    "Measured",
    "Measures",
    "Moved",
    "TableWritten",
    "Tables",
    "check_spec",
    "row_tallies",
]
__all__ += models.__all__
