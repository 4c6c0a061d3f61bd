"""CKAN's Action API v3 as a face over the catalog and the open tables, for harvesters and scripts that speak it already."""

from beijiang.opendata.ckan.datastore import Datastore, Told
from beijiang.opendata.ckan.dumping import MEDIA_TYPES, dump, form_of
from beijiang.opendata.ckan.filewriting import FileWrites
from beijiang.opendata.ckan.intake import Accepted, Intake
from beijiang.opendata.ckan.parameters import Parameters, Upload
from beijiang.opendata.ckan.reading import PackageReads
from beijiang.opendata.ckan.refusals import told
from beijiang.opendata.ckan.rowwriting import RowWrites
from beijiang.opendata.ckan.service import ACTIONS, Ckan, HandIns
from beijiang.opendata.ckan.sqlasked import SqlAsked
from beijiang.opendata.ckan.writing import PackageWrites

__all__ = [
    "ACTIONS",
    "MEDIA_TYPES",
    "Accepted",
    "Ckan",
    "Datastore",
    "FileWrites",
    "HandIns",
    "Intake",
    "PackageReads",
    "PackageWrites",
    "Parameters",
    "RowWrites",
    "SqlAsked",
    "Told",
    "Upload",
    "dump",
    "form_of",
    "told",
]
