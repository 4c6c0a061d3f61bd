"""The verbs of bundles' own servers in Python."""

from beijiang.apps.service.serving.servers import AppServers

__all__ = ["AppServers"]
