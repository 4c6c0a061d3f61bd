"""The resource catalog: entries with their items, codes, versions and lifecycle; releases for the gate; search.

Owns the tables ``catalog_resource``, ``catalog_code``, ``catalog_code_counter``, ``catalog_version``,
``catalog_release``, ``catalog_step``, ``catalog_system``, ``catalog_system_entry``, ``catalog_task``, ``catalog_extension_field``,
``catalog_search`` and ``catalog_search_head``, and the word index
(``catalog_fts`` on SQLite, ``catalog_words`` on PostgreSQL).
"""

from beijiang.catalog.events import EntryCheck, EntryMoved, ReleaseCheck, VersionCleared
from beijiang.catalog.models import *  # noqa: F403 - the front door shows the whole vocabulary
from beijiang.catalog.models import __all__ as _models
from beijiang.catalog.search.sieve import Sieve
from beijiang.catalog.search.sounds import sounding, syllables
from beijiang.catalog.service import Catalog, Inventory, Published, promise

__all__ = [  # noqa: PLE0604 - the starred list is spelled out in models
    "Catalog",
    "EntryCheck",
    "EntryMoved",
    "Inventory",
    "Published",
    "ReleaseCheck",
    "Sieve",
    "VersionCleared",
    "promise",
    "sounding",
    "syllables",
    *_models,
]
