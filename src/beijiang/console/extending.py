"""The region's own fields on the pages of entries: what is asked, what may be chosen, what was filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beijiang.catalog import EXTENSION, FieldPlace

if TYPE_CHECKING:
    from starlette.datastructures import FormData

    from beijiang.build import Platform
    from beijiang.catalog import Resource
    from beijiang.kit import Actor, Text

__all__ = ["field_names", "fields_shown", "read_fields"]


def fields_shown(platform: Platform, who: Actor, resource: Resource) -> dict[str, Any]:
    """Return what the form of an entry asks beyond the guide, and what else the entry holds, retired fields too."""
    catalog = platform.catalog
    asked = [f for f in catalog.asked_fields(who, resource.provider_id) if FieldPlace.FORM in f.places]
    keys = {field.key for field in asked}
    held = catalog.extension_values(who, resource.entry)
    return {
        "asked_fields": asked,
        "field_choices": catalog.field_choices(who) if asked else {},
        "field_needed": {f.key for f in asked if f.needed(catalog.today())},
        "other_values": [one for one in held if one.field.key not in keys],
        "held_values": held,
        "field_names": field_names(platform, who),
    }


def field_names(platform: Platform, who: Actor) -> dict[str, Text]:
    """Return the names of declared fields, as comparisons and gaps name them."""
    return {EXTENSION + one.key: one.name for one in platform.catalog.extension_fields(who)}


def read_fields(form: FormData) -> dict[str, str] | None:
    """Read the declared fields of a form; None where it has none of them."""
    found = {name.removeprefix(EXTENSION): str(value) for name, value in form.items() if name.startswith(EXTENSION)}
    return found or None
