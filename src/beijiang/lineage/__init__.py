"""Lineage: where a column came from and where it goes to.

``columns_of`` reads it from a query. Owns no table yet.
"""

from beijiang.lineage import models
from beijiang.lineage.models import *  # noqa: F403 - the front door shows the whole vocabulary

__all__ = list(models.__all__)
