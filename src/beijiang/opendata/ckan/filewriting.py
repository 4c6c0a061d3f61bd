"""Writes of files: one upload is landed as it came and becomes the rows of an entry, or their next version."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from beijiang.catalog import OpenType, ResourceEdit
from beijiang.ingest import RunMode
from beijiang.kit import Conflict, Invalid
from beijiang.opendata.ckan import dicts
from beijiang.opendata.ckan.intake import Accepted, Handed
from beijiang.opendata.ckan.parameters import Parameters, Upload, missing, wrong
from beijiang.opendata.ckan.reading import not_found
from beijiang.opendata.ckan.writing import working

if TYPE_CHECKING:
    from beijiang.catalog import Catalog, Resource
    from beijiang.ingest import Run
    from beijiang.kit import Actor
    from beijiang.opendata.ckan.intake import Intake
    from beijiang.tables import Tables

__all__ = ["FileWrites"]

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_SENT: Final = frozenset(["id", "package_id", "upload", "hash", "primary_key", "reason", "clear_upload"])
_FOLLOWS: Final = frozenset(
    [
        "position", "name", "description", "url", "url_type", "format", "mimetype", "mimetype_inner", "size", "created",
        "last_modified", "metadata_modified", "state", "resource_type", "cache_url", "cache_last_updated", "datastore_active",
    ]
)  # fmt: skip
"""What the platform says of a resource by itself; programs send it back with the rest."""


class FileWrites:
    """Take files in as CKAN's clients upload resources; an entry has one, whose rows are offered in every form."""

    def __init__(self, intake: Intake, catalog: Catalog, tables: Tables, base: str) -> None:
        self.intake = intake
        self._catalog = catalog
        self._tables = tables
        self._base = base

    def resource_create(self, actor: Actor, asked: Parameters) -> dict[str, Any] | Accepted:
        """Take in the file of an entry that has none: ``upload``, or ``hash`` of one handed in before.

        Raises:
            NotFound: there is no such entry that this actor may see.
            Denied: no key, or one that may not hand in files for the department.
            Invalid: no file, or a field that is not known.
            Conflict: the entry has its file already, or the run was stopped.

        """
        self.intake.signed_in(actor)
        asked.only(_SENT | _FOLLOWS, code="unexpected_field")
        found = self.intake.found(actor, asked.needed("package_id"))
        if found.facts.version:
            raise Conflict(
                f"这条目录已有数据。新的一份用 resource_update（id 为 {found.id}-{dicts.ROWS}）提交，个别的行用 datastore_upsert。",
                f"This entry has its data already. Send a new file by resource_update (id {found.id}-{dicts.ROWS}), single rows by datastore_upsert.",
                code="table_there",
            )
        handed = _file(asked, tuple(dict.fromkeys(asked.texts("primary_key"))))
        return self._told(actor, found, self.intake.first(actor, asked, found, handed))

    def resource_update(self, actor: Actor, asked: Parameters) -> dict[str, Any] | Accepted:
        """Put another file in the place of an entry's rows, as their next version; its name and the like follow from the entry.

        Raises:
            NotFound: there is no such resource with rows that this actor may see.
            Denied: no key, or one that may not hand in files for the department.
            Invalid: no file, or a field that is not known or follows from the entry.
            Conflict: the run was stopped, such as by columns that were left out.

        """
        self.intake.signed_in(actor)
        asked.only(_SENT | _FOLLOWS, code="unexpected_field")
        found = self._held(actor, asked)
        if "upload" not in asked and not asked.text("hash"):
            return self._unchanged(actor, asked, found)
        key = self._tables.get(actor, found.table or "").subject
        run = self.intake.take(actor, asked, found, _file(asked, key))
        return self._told(actor, found, run)

    def resource_patch(self, actor: Actor, asked: Parameters) -> dict[str, Any] | Accepted:
        """Do the same: nothing of a resource can be left out of an update but its file.

        Raises:
            NotFound: there is no such resource with rows that this actor may see.
            Denied: no key, or one that may not hand in files for the department.
            Invalid: no file, or a field that is not known or follows from the entry.
            Conflict: the run was stopped, such as by columns that were left out.

        """
        return self.resource_update(actor, asked)

    def resource_delete(self, actor: Actor, asked: Parameters) -> Accepted:
        """Begin a version of an entry that is not open any more; until it is reviewed and published, the file stays.

        Raises:
            NotFound: there is no such resource with rows that this actor may see.
            Denied: no key, or one that may not compile for the department.
            Conflict: the entry is not published, so nothing is offered.

        """
        self.intake.signed_in(actor)
        asked.only(_SENT | _FOLLOWS, code="unexpected_field")
        found = self._held(actor, asked)
        if not found.is_serving:
            raise Conflict(
                "这条目录没有发布，文件没有对外提供。个别的行用 datastore_delete 删除，换一份文件用 resource_update。",
                "The entry is not published, so its file is offered to nobody. Take rows out by datastore_delete, "
                "put another file in place by resource_update.",
                code="nothing_published",
            )
        edit = ResourceEdit(open_type=OpenType.NOT_OPEN, open_condition=asked.text("reason"))
        saved = self._catalog.edit(actor, found.id, edit)
        zh = "已编制为不予开放的新版本，经审核、发布后文件不再提供，此前照旧。不予开放要写明依据：用 reason 说明，或在控制台填写。"
        en = (
            "A version that is not open was begun; once it is reviewed and published the file is no longer offered, until then it is. "
            "Not to open needs a basis: say it as reason, or fill it in at the console."
        )
        told = {"id": f"{found.id}-{dicts.ROWS}", "package_id": found.id, "state": saved.state.value}
        return Accepted({**told, "message": [zh, en]})

    def _held(self, actor: Actor, asked: Parameters) -> Resource:
        package_id, kind = dicts.parts(asked.needed("id"))
        found = self.intake.found(actor, package_id)
        if kind.startswith("link-"):
            raise Invalid(
                "这个链接来自采集的目录，随其来源更新，不单独更改。",
                "This link came with a harvested entry and follows its source; it is not changed by itself.",
                code="follows_from_source",
                detail={"field": "id"},
            )
        if found.table is None or not found.facts.version:
            raise not_found("resource")
        return found

    def _unchanged(self, actor: Actor, asked: Parameters, found: Resource) -> dict[str, Any]:
        """Return the resource if nothing else was said of it than what it says; its words are those of the entry."""
        shown = self._shown(actor, found)
        own = _FOLLOWS - {
            "size",
            "created",
            "last_modified",
            "metadata_modified",
            "position",
            "state",
            "url",
            "url_type",
        }
        changed = sorted(name for name in own if name in asked and asked.raw(name) not in {shown[name], ""})
        if changed:
            raise wrong(
                changed[0],
                "资源的名称、说明和格式来自目录条目。请用 package_patch 更改条目，或随 upload 提交新文件。",
                "Name, description and format of a resource follow from its entry. Change that by package_patch, or send a file as upload",
                "follows_from_package",
            )
        if not any(name in asked for name in _FOLLOWS):
            raise missing("upload")
        return shown

    def _shown(self, actor: Actor, found: Resource) -> dict[str, Any]:
        return dicts.rows_resource(working(self._catalog, actor, found), self._base)

    def _told(self, actor: Actor, found: Resource, run: Run) -> dict[str, Any] | Accepted:
        shown = self._shown(actor, self._catalog.get(actor, found.id))
        return self.intake.told(found, run, {**shown, "hash": run.files[0][0], "primary_key": list(run.key)})


def _file(asked: Parameters, key: tuple[str, ...]) -> Handed:
    """Return the file that was sent, or the digest of one that was handed in before."""
    sent, digest = asked.raw("upload"), asked.text("hash").lower()
    if isinstance(sent, Upload):
        if not sent.content:
            raise wrong("upload", "文件是空的。", "The file is empty")
        return Handed(sent.content, key, RunMode.REPLACE, sent.name)
    if sent:
        raise wrong("upload", "upload 应是 multipart 表单中的文件。", "Must be a file of a multipart form")
    if _SHA256.fullmatch(digest):
        return Handed(digest, key, RunMode.REPLACE, digest)
    if asked.text("url"):
        raise wrong(
            "url",
            "平台不登记外部地址。请随 upload 提交文件；定期取数请在控制台“数据源”登记来源。",
            "An address elsewhere is not taken. Send the file as upload; what is to be fetched again and again is a source of the console",
            "address_not_taken",
        )
    raise missing("upload")
