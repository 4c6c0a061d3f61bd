"""The web of applications: the store and the pages that people open, sign-on for those written elsewhere, and the JSON API."""

from beijiang.apps.routes.api import router
from beijiang.apps.routes.clients import clients
from beijiang.apps.routes.jobs import jobs
from beijiang.apps.routes.life import canaries, ratings
from beijiang.apps.routes.oauth import PROTOCOL_PATHS, oauth, protocol_error
from beijiang.apps.routes.outside import health, outside
from beijiang.apps.routes.pages import pages
from beijiang.apps.routes.relay_door import RelayDoor
from beijiang.apps.routes.sandbox import sandbox
from beijiang.apps.routes.serving import served, servers
from beijiang.apps.routes.writing import Folder, writing

__all__ = [
    "PROTOCOL_PATHS",
    "Folder",
    "RelayDoor",
    "canaries",
    "clients",
    "health",
    "jobs",
    "oauth",
    "outside",
    "pages",
    "protocol_error",
    "ratings",
    "router",
    "sandbox",
    "served",
    "servers",
    "writing",
]
