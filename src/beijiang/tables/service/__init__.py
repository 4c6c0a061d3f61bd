"""The verbs of the lake."""

from beijiang.tables.service.between import Between, Moved
from beijiang.tables.service.deriving import Derived
from beijiang.tables.service.measuring import Measured, Measures
from beijiang.tables.service.tables import Tables
from beijiang.tables.service.windowing import check_spec

__all__ = ["Between", "Derived", "Measured", "Measures", "Moved", "Tables", "check_spec"]
