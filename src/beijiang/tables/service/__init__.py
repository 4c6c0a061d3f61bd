"""The verbs of the lake."""

from beijiang.tables.service.tables import Tables
from beijiang.tables.service.windowing import check_spec

__all__ = ["Tables", "check_spec"]
