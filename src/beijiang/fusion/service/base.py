"""What the verbs of libraries share: their parts, who may see what, and the secret by which records are named."""

from __future__ import annotations

import csv
import secrets
import threading
from collections import defaultdict
from functools import cache, cached_property
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.fusion.errors import no_library
from beijiang.fusion.models import Choosing, LibraryModel
from beijiang.fusion.store import LibraryStore
from beijiang.kit import Text
from beijiang.recipes import Places

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.crypto import Vault
    from beijiang.db import Database
    from beijiang.engine.linking import Linker
    from beijiang.evidence import Evidence
    from beijiang.fusion.models import Library
    from beijiang.jobs import Jobs
    from beijiang.kit import Actor, Clock
    from beijiang.protection import Protection
    from beijiang.settings import Settings
    from beijiang.standards import Standards
    from beijiang.tables import Measures, Tables

__all__ = ["Base", "library_models"]

_PURPOSE: Final = "fusion"


class Base:
    """Holds the parts; asks for access."""

    def __init__(  # noqa: PLR0913, PLR0917 - wired once, in build.py
        self,
        db: Database,
        tables: Tables,
        measures: Measures,
        protection: Protection,
        standards: Standards,
        access: Access,
        evidence: Evidence,
        jobs: Jobs,
        vault: Vault,
        linker: Linker,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self.db = db
        self.tables = tables
        self.measures = measures
        self.protection = protection
        self.standards = standards
        self.access = access
        self.evidence = evidence
        self.jobs = jobs
        self.vault = vault
        self.linker = linker
        self.clock = clock
        self.settings = settings
        self.turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        """Runs of one library come one after the other."""

    @cached_property
    def places(self) -> Places:
        """Return the names of regions, gathered once."""
        return Places.of(self.standards.regions())

    def _seen(self, actor: Actor, library_id: str, permission: Permission = Permission.FUSION_LIBRARY_READ) -> Library:
        """Return a library in force, by its id or the table that it fills, on which the actor may do this."""
        self.access.require(actor, Permission.FUSION_LIBRARY_READ)
        with self.db.read() as connection:
            store = LibraryStore(connection)
            found = store.get(library_id) or store.filling(library_id)
        if found is None or found.retired:
            raise no_library(library_id)
        if permission is not Permission.FUSION_LIBRARY_READ:
            self.access.require(actor, permission, found.org_id)
        return found

    def _secret(self, library_id: str) -> str:
        """Return the secret of a library, made at first use: sealed at rest, never told to anybody."""
        with self.db.begin() as tx:
            store = LibraryStore(tx.connection)
            sealed = store.sealed(library_id)
            if sealed is None:
                sealed = self.vault.seal(secrets.token_hex(32), purpose=_PURPOSE, context=library_id)
                store.keep_sealed(library_id, sealed)
        return self.vault.open(sealed, purpose=_PURPOSE, context=library_id)


@cache
def library_models() -> tuple[LibraryModel, ...]:
    """Return what kinds of libraries the plan and the later orders name (``standards.md`` 4); a table, not an enum."""
    text = (files("beijiang.fusion") / "reference" / "libraries.csv").read_text("utf-8")
    return tuple(
        LibraryModel(
            kind=row["kind"],
            name=Text(row["name_zh"], row["name_en"]),
            prefix=row["prefix"],
            library=row["elements"],
            key=tuple(word for word in row["key"].split(";") if word),
            matching=row["matching"],
            choosing={
                field: Choosing(way)
                for field, _, way in (pair.partition("=") for pair in row["choosing"].split(";"))
                if way
            },
            basis=row["basis"],
        )
        for row in csv.DictReader(text.splitlines())
    )
