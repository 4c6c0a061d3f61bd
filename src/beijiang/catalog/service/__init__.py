"""The verbs of the catalog, one file a subject, joined in ``Catalog``."""

from beijiang.catalog.service.compiling import Compiling
from beijiang.catalog.service.finding import Finding, Published
from beijiang.catalog.service.promises import promise
from beijiang.catalog.service.reviewing import Reviewing
from beijiang.catalog.service.serving import Serving


class Catalog(Compiling, Reviewing, Serving, Finding):
    """What data the government holds, where it is, on which terms, and whom to ask for it."""


__all__ = ["Catalog", "Published", "promise"]
