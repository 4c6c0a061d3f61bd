"""All SQL on the metadata tables of hosted applications."""

from beijiang.apps.store.apps import AppStore, VersionMark
from beijiang.apps.store.jobs import AppJobStore
from beijiang.apps.store.usage import UsageStore

__all__ = ["AppJobStore", "AppStore", "UsageStore", "VersionMark"]
