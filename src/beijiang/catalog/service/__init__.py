"""The verbs of the catalog, one file a subject, joined in ``Catalog``."""

from beijiang.catalog.service.advising import Advising
from beijiang.catalog.service.deciding import Deciding
from beijiang.catalog.service.directory import Directory
from beijiang.catalog.service.extending import Extending
from beijiang.catalog.service.finding import Finding, Published
from beijiang.catalog.service.harvested import Harvested
from beijiang.catalog.service.inventory import Inventory
from beijiang.catalog.service.promises import promise
from beijiang.catalog.service.remarking import Remarking
from beijiang.catalog.service.serving import Serving
from beijiang.catalog.service.sifting import Sifting


class Catalog(Advising, Deciding, Directory, Extending, Harvested, Serving, Finding, Remarking, Sifting):
    """What data the government holds, where it is, on which terms, and whom to ask for it."""


__all__ = ["Catalog", "Inventory", "Published", "promise"]
