"""All SQL on the metadata tables of hosted applications."""

from beijiang.apps.store.apps import AppStore, VersionMark

__all__ = ["AppStore", "VersionMark"]
