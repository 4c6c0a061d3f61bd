"""CKAN's Action API v3 as a face over the catalog and the open tables, for harvesters and scripts that speak it already."""

from beijiang.opendata.ckan.datastore import Datastore, Told
from beijiang.opendata.ckan.parameters import Parameters
from beijiang.opendata.ckan.reading import PackageReads
from beijiang.opendata.ckan.refusals import told
from beijiang.opendata.ckan.service import ACTIONS, Ckan

__all__ = ["ACTIONS", "Ckan", "Datastore", "PackageReads", "Parameters", "Told", "told"]
