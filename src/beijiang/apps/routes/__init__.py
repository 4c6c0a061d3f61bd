"""The web of hosted applications: the store and the pages that people open, and the JSON API."""

from beijiang.apps.routes.api import router
from beijiang.apps.routes.jobs import jobs
from beijiang.apps.routes.pages import pages

__all__ = ["jobs", "pages", "router"]
