"""A CKAN catalog is taken over whole, kept up to date, and every record that fails says why."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from beijiang.access import PersonDraft, Role
from beijiang.catalog import Resource, ResourceEdit, State
from beijiang.ingest import HarvestState, MapKind, MapRule, OutcomeKind, RecordState
from beijiang.kit import SYSTEM, Conflict, Invalid, NotFound, Refused

from .conftest import ORG, Bureau, Reply, ok, package


def entry_of(bureau: Bureau, source: str, guid: str) -> Resource:
    found = bureau.platform.harvests.record(SYSTEM, source, guid)
    assert found.resource_id is not None
    return bureau.platform.catalog.get(SYSTEM, found.resource_id)
