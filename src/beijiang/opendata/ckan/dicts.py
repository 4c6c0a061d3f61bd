"""Write entries, departments, themes and words in the dictionaries of CKAN, with every key that strict readers demand."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from beijiang.catalog import Entry, FieldPlace, OpenType, Picked
from beijiang.kit import Text
from beijiang.standards import Licence

__all__ = [
    "ROWS",
    "Names",
    "body",
    "group",
    "has_rows",
    "licence",
    "moment",
    "package",
    "parts",
    "resources",
    "rows_resource",
    "tag",
]

ROWS: Final = "csv"
"""The kind of a package's resource that is a table of the datastore."""
FILES: Final[Mapping[str, tuple[str, str]]] = {
    "csv": ("CSV", "text/csv"),
    "xlsx": ("XLSX", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "json": ("JSON", "application/json"),
    "parquet": ("Parquet", "application/vnd.apache.parquet"),
}
API: Final = "api"
_ID: Final = re.compile(r"(?P<package>.{1,100}?)-(?P<kind>csv|xlsx|json|parquet|api|link-\d{1,3})")


@dataclass(frozen=True, slots=True)
class Names:
    """The words behind the ids in a dictionary, looked up once for a page."""

    base: str
    departments: Mapping[str, Text]
    themes: Mapping[str, Text]
    licences: Mapping[str, Licence]


def parts(resource_id: str) -> tuple[str, str]:
    """Part a resource's id into its package's and its kind; a bare id of a package is that of its rows."""
    found = _ID.fullmatch(resource_id)
    return (found["package"], found["kind"]) if found else (resource_id, ROWS)


def moment(at: datetime | None) -> str | None:
    """Return a moment as CKAN writes it: UTC without saying so."""
    return None if at is None else at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def body(id_: str, name: Text, count: int | None, *, is_organization: bool) -> dict[str, Any]:
    """Return a department or a theme as the lists have it."""
    found = {
        **_small(id_, name, is_organization=is_organization),
        "display_name": name.zh,
        "image_display_url": "",
        "num_followers": 0,
    }
    return found if count is None else {**found, "package_count": count}


def _small(id_: str, name: Text, *, is_organization: bool) -> dict[str, Any]:
    return {
        "id": id_,
        "name": id_,
        "title": name.zh,
        "type": "organization" if is_organization else "group",
        "description": name.en if name.en != name.zh else "",
        "image_url": "",
        "created": None,
        "is_organization": is_organization,
        "approval_status": "approved",
        "state": "active",
    }


def group(id_: str, name: Text) -> dict[str, Any]:
    """Return a theme as a package has it."""
    return {
        "id": id_,
        "name": id_,
        "title": name.zh,
        "display_name": name.zh,
        "description": name.en if name.en != name.zh else "",
        "image_display_url": "",
    }


def tag(word: str) -> dict[str, Any]:
    """Return a free tag; its name is its id."""
    return {"id": word, "name": word, "display_name": word, "state": "active", "vocabulary_id": None}


def licence(found: Licence) -> dict[str, Any]:
    """Return the terms of use as ``license_list`` has them."""
    open_ = "approved" if found.is_open else "rejected"
    return {
        "id": found.id,
        "title": found.name.zh,
        "url": found.url,
        "status": "active",
        "od_conformance": open_,
        "osd_conformance": "not reviewed",
        "is_okd_compliant": found.is_open,
        "is_osi_compliant": False,
        "domain_data": True,
        "domain_content": False,
        "domain_software": False,
        "family": "",
        "is_generic": False,
        "maintainer": "",
    }


def package(found: Picked, names: Names) -> dict[str, Any]:
    """Return an entry as a dataset."""
    entry = found.entry
    terms = names.licences.get(entry.licence)
    department = names.departments.get(entry.provider_id, Text(entry.provider_name, entry.provider_name))
    created = moment(found.created_at)
    themes = list(dict.fromkeys(code[:3] for code in entry.categories))
    listed = resources(found, names)
    words = list(dict.fromkeys(entry.keywords))
    return {
        "id": found.id,
        "name": found.id,
        "title": entry.name,
        "notes": entry.summary,
        "type": "dataset",
        "state": "active" if found.is_public else "draft",
        "private": not found.is_public,
        "isopen": bool(terms and terms.is_open),
        "url": f"{names.base}/datasets/{found.id}",
        "version": str(found.number) if found.number else None,
        "owner_org": entry.provider_id,
        "creator_user_id": None,
        "license_id": entry.licence or None,
        "license_title": terms.name.zh if terms else None,
        "license_url": (terms.url or None) if terms else None,
        "author": department.zh,
        "author_email": None,
        "maintainer": entry.contact or entry.inner_office or None,
        "maintainer_email": None,
        "metadata_created": created,
        "metadata_modified": moment(found.modified_at) or created,
        "num_resources": len(listed),
        "num_tags": len(words),
        "organization": _small(entry.provider_id, department, is_organization=True),
        "groups": [group(code, names.themes.get(code, Text(code, code))) for code in themes],
        "tags": [tag(word) for word in words],
        "extras": _extras(found),
        "resources": listed,
        "relationships_as_subject": [],
        "relationships_as_object": [],
    }


def _extras(found: Picked) -> list[dict[str, str]]:
    entry = found.entry
    values: Sequence[tuple[str, str]] = (
        ("grade", str(entry.level or "")),
        ("open_condition", entry.open_condition),
        ("open_type", str(entry.open_type or "")),
        ("region", entry.region_code or ""),
        ("resource_code", "，".join(found.codes)),
        ("temporal", entry.time_span),
        ("update_cycle", entry.update_cycle),
    )
    declared = [(one.field.key, one.value) for one in found.extensions if FieldPlace.API in one.field.places]
    return [{"key": key, "value": value} for key, value in (*values, *declared) if value]


def has_rows(found: Picked) -> bool:
    """Tell whether an entry has rows that are open to all."""
    entry: Entry = found.entry
    is_open = found.is_public and entry.open_type is OpenType.UNCONDITIONAL and bool(entry.open_items)
    return is_open and found.table is not None and found.table_version is not None


def resources(found: Picked, names: Names) -> list[dict[str, Any]]:
    """Return the files, the API and the links of an entry."""
    listed: list[dict[str, Any]] = []
    title = found.entry.name
    if has_rows(found):
        api = f"{names.base}/api/v1/datasets/{found.id}"
        listed.append(rows_resource(found, names.base))
        for kind, (form, type_) in FILES.items():
            if kind == ROWS:
                continue
            own: dict[str, Any] = {"format": form, "mimetype": type_, "resource_type": "file"}
            listed.append(_resource(found, kind, f"{title}（{form}）", f"{api}/download?format={kind}", own))
        own = {"format": "API", "mimetype": "application/json", "resource_type": "api"}
        listed.append(_resource(found, API, f"{title}（API）", f"{api}/rows", own))
    for number, link in enumerate(found.entry.links, 1):
        own = {"format": link.format.upper(), "resource_type": "file"}
        listed.append(_resource(found, f"link-{number}", link.title or title, link.url, own))
    return [{**one, "position": place} for place, one in enumerate(listed)]


def rows_resource(found: Picked, base: str) -> dict[str, Any]:
    """Return the table of an entry as a resource, whether or not it is open by now."""
    form, type_ = FILES[ROWS]
    own = {"format": form, "mimetype": type_, "resource_type": "file", "datastore_active": True}
    url = f"{base}/api/v1/datasets/{found.id}/download?format={ROWS}"
    return _resource(found, ROWS, f"{found.entry.name}（{form}）", url, own)


def _resource(found: Picked, kind: str, name: str, url: str, own: Mapping[str, Any]) -> dict[str, Any]:
    created = moment(found.created_at) or "1970-01-01T00:00:00.000000"
    changed = moment(found.modified_at) or created
    return {
        "id": f"{found.id}-{kind}",
        "package_id": found.id,
        "position": 0,
        "name": name,
        "description": found.entry.summary,
        "url": url,
        "url_type": None,
        "mimetype": None,
        "mimetype_inner": None,
        "size": None,
        "hash": "",
        "created": created,
        "last_modified": changed,
        "metadata_modified": changed,
        "state": "active" if found.is_public else "draft",
        "resource_type": None,
        "cache_url": None,
        "cache_last_updated": None,
        "datastore_active": False,
        **own,
    }
