"""The web of applications: the store and the pages that people open, sign-on for those written elsewhere, and the JSON API."""

from beijiang.apps.routes.api import router
from beijiang.apps.routes.clients import clients
from beijiang.apps.routes.jobs import jobs
from beijiang.apps.routes.oauth import PROTOCOL_PATHS, oauth, protocol_error
from beijiang.apps.routes.outside import health, outside
from beijiang.apps.routes.pages import pages
from beijiang.apps.routes.relay_door import RelayDoor
from beijiang.apps.routes.sandbox import sandbox
from beijiang.apps.routes.serving import served, servers

__all__ = [
    "PROTOCOL_PATHS",
    "RelayDoor",
    "clients",
    "health",
    "jobs",
    "oauth",
    "outside",
    "pages",
    "protocol_error",
    "router",
    "sandbox",
    "served",
    "servers",
]
