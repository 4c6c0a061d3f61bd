"""The web of applications: the store and the pages that people open, sign-on for those written elsewhere, and the JSON API."""

from beijiang.apps.routes.api import router
from beijiang.apps.routes.clients import clients
from beijiang.apps.routes.jobs import jobs
from beijiang.apps.routes.life import canaries, ratings
from beijiang.apps.routes.oauth import PROTOCOL_PATHS, oauth, protocol_error
from beijiang.apps.routes.pages import pages
from beijiang.apps.routes.sandbox import sandbox
from beijiang.apps.routes.writing import Folder, writing

__all__ = [
    "PROTOCOL_PATHS",
    "Folder",
    "canaries",
    "clients",
    "jobs",
    "oauth",
    "pages",
    "protocol_error",
    "ratings",
    "router",
    "sandbox",
    "writing",
]
