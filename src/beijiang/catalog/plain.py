"""Catalog facts as plain values, the same for the JSON API and for ``--json`` at the terminal."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any

from beijiang.catalog.models import ExtensionField, Gap, Planned, Resource, SearchHit, Thread, Version
from beijiang.catalog.models.lifecycle import actions_from
from beijiang.kit import Text

__all__ = ["as_field", "as_gap", "as_hit", "as_plain", "as_planned", "as_resource", "as_thread", "as_version"]


def as_plain(value: Any) -> Any:  # noqa: PLR0911 - one return a kind
    """Turn dataclasses, enums, pairs of words and sets into JSON values; moments stay for the encoder."""
    if isinstance(value, Text):
        return {"zh": value.zh, "en": value.en}
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: as_plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {as_plain(key): as_plain(item) for key, item in value.items()}
    if isinstance(value, (frozenset, set)):
        return sorted(as_plain(item) for item in value)
    if isinstance(value, (list, tuple)):
        return [as_plain(item) for item in value]
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return value


def as_resource(found: Resource) -> dict[str, Any]:
    """Return a resource with its working entry, its codes and what may be done next."""
    entry = found.entry
    facts = as_plain(found)
    facts["codes"] = [str(code) for code in found.codes]
    facts["state_name"] = as_plain(found.state.text)
    facts["state_code"] = found.state.code
    facts["actions"] = [str(action) for action in actions_from(found.state)]
    facts["drift"] = as_plain(found.drift)
    facts["level"] = as_plain(entry.level)
    facts["seen"] = found.shown.token
    facts["open_items"] = as_plain(entry.open_items)
    return dict(facts)


def as_planned(found: Planned) -> dict[str, Any]:
    """Return what deciding on an entry would do, with all of it and the ``seen`` that stands for that, or why it cannot be taken."""
    one = found.resource
    return {
        "resource_id": found.resource_id,
        "name": None if one is None else one.entry.name,
        "provider_id": None if one is None else one.provider_id,
        "state": None if one is None else one.state.value,
        "submitted_by": None if one is None else one.submitted_by,
        "entry": None if one is None else as_plain(one.entry),
        "action": None if found.action is None else found.action.value,
        "seen": None if one is None else one.shown.token,
        "follows": None if found.follows is None else as_plain(found.follows),
        "why": None if found.why is None else as_plain(found.why),
    }


def as_version(found: Version, hidden: Collection[str] = ()) -> dict[str, Any]:
    """Return a published version with its entry instead of its text, without the declared fields that are hidden.

    Where any field is hidden the digest is too: it is of the whole text, so a guess of the hidden value could be proved by it.
    """
    facts = as_plain(found)
    del facts["document"]
    if hidden:
        facts["digest"] = None
    entry = as_plain(found.entry)
    entry["extensions"] = [one for one in entry["extensions"] if one["field"] not in hidden]
    return {**facts, "codes": list(found.codes), "intact": found.intact, "entry": entry}


def as_field(found: ExtensionField) -> dict[str, Any]:
    """Return a declared field."""
    return {**as_plain(found), "retired": found.retired_at is not None}


def as_gap(found: Gap) -> dict[str, Any]:
    """Return something that is missing."""
    return dict(as_plain(found))


def as_thread(found: Thread) -> dict[str, Any]:
    """Return a conversation with what was looked at and what has changed since."""
    return {**as_plain(found), "seen": json.loads(found.seen), "is_open": found.is_open}


def as_hit(found: SearchHit) -> dict[str, Any]:
    """Return one result; marked texts are lists of ``[text, hit]``."""
    facts = as_plain(found)
    for name in ("name", "summary"):
        facts[name] = [[span["text"], span["hit"]] for span in facts[name]]
    facts["fields"] = [[[span["text"], span["hit"]] for span in field] for field in facts["fields"]]
    return {**facts, "title": found.title}
