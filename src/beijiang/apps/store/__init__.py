"""All SQL on the metadata tables of hosted applications."""

from beijiang.apps.store.apps import AppStore

__all__ = ["AppStore"]
