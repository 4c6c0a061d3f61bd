"""The verbs of the lake."""

from beijiang.tables.service.tables import Tables

__all__ = ["Tables"]
