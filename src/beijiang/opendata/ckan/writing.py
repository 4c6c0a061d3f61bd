"""Writes: a package becomes an entry that is being compiled, and stays a draft until it went through review and publication."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.catalog import Entry, FieldPlace, Filled, Picked, ResourceEdit
from beijiang.kit import Denied, Invalid, NotFound
from beijiang.opendata.ckan.parameters import Parameters, missing, wrong
from beijiang.opendata.ckan.reading import not_found

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.catalog import Catalog, Resource
    from beijiang.kit import Actor
    from beijiang.opendata.ckan.reading import PackageReads

__all__ = ["PackageWrites", "working"]

_OURS: Final = frozenset(
    [
        "name", "type", "state", "private", "isopen", "url", "version", "creator_user_id", "license_title", "license_url", "author",
        "author_email", "maintainer_email", "metadata_created", "metadata_modified", "num_resources", "num_tags", "organization",
        "relationships_as_subject", "relationships_as_object", "revision_id", "tag_string",
    ]
)  # fmt: skip
"""What the platform says of an entry by itself; programs send it back with the rest."""
_TAKEN: Final = frozenset(
    ["id", "title", "notes", "owner_org", "license_id", "maintainer", "tags", "groups", "extras", "resources"]
)
_EXTRAS: Final = {
    "open_condition": "open_condition",
    "region": "region_code",
    "temporal": "time_span",
    "update_cycle": "update_cycle",
}
_TOLD: Final = frozenset(["grade", "open_type", "resource_code"])
_EMPTY: Final[dict[str, Any]] = {"summary": "", "licence": "", "contact": "", "keywords": (), "categories": ()}
_REASON: Final = "由 CKAN 接口请求撤下（package_delete）"


class PackageWrites:
    """Compile entries as CKAN's clients write packages, for whoever may compile for the department."""

    def __init__(self, catalog: Catalog, packages: PackageReads, access: Access) -> None:
        self._catalog = catalog
        self._packages = packages
        self._access = access

    def package_create(self, actor: Actor, asked: Parameters) -> dict[str, Any]:
        """Compile a new entry; it is a draft, and its id and name are the platform's.

        Raises:
            Denied: no key, or one that may not compile for the department.
            Invalid: a field is missing, not known or not supported.

        """
        self._signed_in(actor)
        if asked.text("id"):
            raise wrong("id", "编号由平台产生。", "Ids are made by the platform; leave it out", "id_is_ours")
        values, declared = self._values(asked), self._declared(actor, asked)
        if not values.get("name"):
            raise missing("title")
        filled = tuple(Filled(key, value) for key, value in sorted(declared.items()) if value.strip())
        entry = Entry(provider_id=asked.text("owner_org") or actor.org_id or "", extensions=filled, **values)
        if not entry.provider_id:
            raise missing("owner_org")
        return self._told(actor, self._catalog.register(actor, entry))

    def package_update(self, actor: Actor, asked: Parameters) -> dict[str, Any]:
        """Replace what an entry says; what is not sent is emptied. A published one is served until the next is published.

        Raises:
            NotFound: there is no such entry that this actor may see.
            Invalid: a field is missing, not known or not supported.

        """
        found = self._found(actor, asked)
        values, declared = self._values(asked), self._declared(actor, asked)
        if not values.get("name"):
            raise missing("title")
        shown = [one for one in self._catalog.asked_fields(actor, found.provider_id) if FieldPlace.API in one.places]
        emptied = {one.key: "" for one in shown} | declared
        edit = ResourceEdit(extensions=emptied, **{**_EMPTY, **values})
        return self._told(actor, self._catalog.edit(actor, found.id, edit))

    def package_patch(self, actor: Actor, asked: Parameters) -> dict[str, Any]:
        """Change what is sent of an entry, and nothing else.

        Raises:
            NotFound: there is no such entry that this actor may see.
            Invalid: a field is not known or not supported.

        """
        found = self._found(actor, asked)
        edit = ResourceEdit(extensions=self._declared(actor, asked), **self._values(asked))
        return self._told(actor, self._catalog.edit(actor, found.id, edit))

    def package_delete(self, actor: Actor, asked: Parameters) -> None:
        """Take a published entry offline; a draft has nothing to be taken from.

        Raises:
            NotFound: there is no such entry that this actor may see.
            Conflict: it is not published.

        """
        found = self._found(actor, asked)
        self._catalog.withdraw(actor, found.id, _REASON)

    def _signed_in(self, actor: Actor) -> None:
        self._access.require(actor, Permission.OPENDATA_DATASET_READ)
        if actor.is_anonymous:
            raise Denied("请携带密钥。", "Send a key to write.", code="unauthenticated")

    def _found(self, actor: Actor, asked: Parameters) -> Resource:
        self._signed_in(actor)
        try:
            return self._catalog.get(actor, asked.needed("id"))
        except NotFound:
            raise not_found("package") from None

    def _told(self, actor: Actor, resource: Resource) -> dict[str, Any]:
        """Return the working entry, which nobody else sees."""
        return self._packages.described(working(self._catalog, actor, resource))

    def _values(self, asked: Parameters) -> dict[str, Any]:
        """Return what was sent as an entry has it; what nobody knows is refused, for dropping it would be a lie."""
        unknown = sorted(set(asked.all()) - _OURS - _TAKEN)
        if unknown:
            raise wrong(unknown[0][:80], "不认识这个字段。", "This field is not known", "unexpected_field")
        if asked.json("resources"):
            raise Invalid(
                "资源文件请通过汇聚或控制台提交，这里不支持。",
                "Resources are not taken with a package; hand files in by ingestion.",
                code="not_offered",
                detail={"field": "resources"},
            )
        plain = {"title": "name", "notes": "summary", "license_id": "licence", "maintainer": "contact"}
        values: dict[str, Any] = {ours: asked.text(theirs) for theirs, ours in plain.items() if theirs in asked}
        if "tags" in asked:
            values["keywords"] = tuple(_named(asked, "tags"))
        if "groups" in asked:
            values["categories"] = tuple(_named(asked, "groups"))
        return values | {_EXTRAS[key]: value for key, value in _extras(asked).items() if key in _EXTRAS}

    def _declared(self, actor: Actor, asked: Parameters) -> dict[str, str]:
        """Return what was sent for fields that the region declared; any other key is refused."""
        sent = {key: value for key, value in _extras(asked).items() if key not in _EXTRAS}
        known = {one.key for one in self._catalog.extension_fields(actor)} if sent else set()
        if set(sent) - known:
            keys = [*_EXTRAS, *sorted(known)]
            raise wrong("extras", f"可用的 key：{'、'.join(keys)}。", f"Keys are {', '.join(keys)}")
        return sent


def working(catalog: Catalog, actor: Actor, resource: Resource) -> Picked:
    """Return an entry as it is being compiled, in the form in which packages are described."""
    return Picked(
        id=resource.id,
        entry=resource.entry,
        number=0,
        codes=(),
        state=resource.state,
        is_public=False,
        created_at=resource.created_at,
        modified_at=resource.updated_at,
        table=None,
        table_version=None,
        rows=None,
        extensions=catalog.extension_values(actor, resource.entry),
    )


def _named(asked: Parameters, field: str) -> list[str]:
    """Return the names in a list of words or of objects."""
    listed = asked.json(field)
    found = [one.get("name") or one.get("id") if isinstance(one, dict) else one for one in listed or []]
    words = [one for one in found if isinstance(one, str) and one]
    if len(words) != len(found):
        raise wrong(field, f"{field} 应是由 name 组成的列表。", "Must be a list of objects with a name")
    return list(dict.fromkeys(words))


def _extras(asked: Parameters) -> dict[str, str]:
    """Return what was sent as extras, by key, without what the platform says of an entry by itself."""
    listed = asked.json("extras")
    if not isinstance(listed, list | None) or not all(isinstance(one, dict) for one in listed or []):
        raise wrong("extras", "extras 应是 key 与 value 的列表。", "Must be a list of objects with key and value")
    found = {str(one.get("key")): one.get("value") for one in listed or [] if str(one.get("key")) not in _TOLD}
    if not all(isinstance(value, str) for value in found.values()):
        raise wrong("extras", "extras 的 value 应是文本。", "The values of extras are texts")
    return {key: value for key, value in found.items() if isinstance(value, str)}
