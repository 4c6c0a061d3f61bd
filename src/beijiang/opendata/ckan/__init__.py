"""CKAN's Action API v3 as a face over the catalog and the open tables, for harvesters and scripts that speak it already."""

from beijiang.opendata.ckan.datastore import Datastore, Told
from beijiang.opendata.ckan.dumping import MEDIA_TYPES, dump, form_of
from beijiang.opendata.ckan.pace import Pace
from beijiang.opendata.ckan.parameters import Parameters
from beijiang.opendata.ckan.reading import PackageReads
from beijiang.opendata.ckan.refusals import told
from beijiang.opendata.ckan.rowwriting import Accepted, RowWrites
from beijiang.opendata.ckan.service import ACTIONS, Ckan
from beijiang.opendata.ckan.sqlasked import SqlAsked
from beijiang.opendata.ckan.writing import PackageWrites

__all__ = [
    "ACTIONS",
    "MEDIA_TYPES",
    "Accepted",
    "Ckan",
    "Datastore",
    "Pace",
    "PackageReads",
    "PackageWrites",
    "Parameters",
    "RowWrites",
    "SqlAsked",
    "Told",
    "dump",
    "form_of",
    "told",
]
