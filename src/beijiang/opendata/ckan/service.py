"""Which actions there are, and what each of them asks of the services."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import getdoc
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.kit import Invalid
from beijiang.opendata.ckan.datastore import Datastore
from beijiang.opendata.ckan.filewriting import FileWrites
from beijiang.opendata.ckan.parameters import Parameters
from beijiang.opendata.ckan.reading import PackageReads, not_found
from beijiang.opendata.ckan.rowwriting import RowWrites
from beijiang.opendata.ckan.sqlasked import SqlAsked
from beijiang.opendata.ckan.writing import PackageWrites

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.kit import Actor, Pace

__all__ = ["ACTIONS", "Action", "Ckan", "HandIns"]

Verb = Callable[["Ckan", "Actor", Parameters], Any]


@dataclass(frozen=True, slots=True)
class Action:
    """One action of the API: what it does, and whether that changes something."""

    verb: Verb
    changes: bool = False
    waits: bool = False
    """Whether a job has to end before it can be answered."""
    files: bool = False
    """Whether a file may come with it."""
    refusal: tuple[str, str] | None = None
    """Why it is not offered and what to use instead, where that is so."""


@dataclass(frozen=True, slots=True)
class HandIns:
    """What programs may hand in for the tables of entries."""

    rows: RowWrites
    files: FileWrites


class Ckan:
    """CKAN's Action API as a face of the catalog and of the tables that are open."""

    def __init__(
        self,
        packages: PackageReads,
        writes: PackageWrites,
        rows: Datastore,
        sql: SqlAsked,
        access: Access,
        pace: Pace,
        hand_ins: HandIns,
    ) -> None:
        self.packages = packages
        self.writes = writes
        self.rows = rows
        self.sql = sql
        self.access = access
        self.pace = pace
        self.hand_ins = hand_ins

    @property
    def base(self) -> str:
        """Return the address of the site, without a slash at its end."""
        return self.packages.base

    def act(self, actor: Actor, name: str, asked: Parameters) -> Any:
        """Do one action.

        Raises:
            BeijiangError: as the action does; ``not_offered`` for one that is known and not supported.

        """
        self.access.require(actor, Permission.OPENDATA_DATASET_READ)
        action = ACTIONS[name]
        if action.refusal is not None:
            raise Invalid(*action.refusal, code="not_offered", detail={"field": "action"})
        return action.verb(self, actor, asked)

    def completed(self, actor: Actor, what: str, asked: Parameters) -> list[dict[str, Any]]:
        """Return what completes a text, for the old addresses below ``/api/2/util``.

        Raises:
            NotFound: nothing of the kind can be completed.

        """
        reads = self.packages
        if what == "dataset":
            return reads.package_autocomplete(actor, asked)
        if what == "organization":
            return reads.organization_autocomplete(actor, asked)
        if what == "tag":
            return [{"Name": word} for word in reads.tag_autocomplete(actor, asked)]
        if what == "resource/format":
            return [{"Format": word} for word in reads.format_autocomplete(actor, asked)]
        self.access.require(actor, Permission.OPENDATA_DATASET_READ)
        raise not_found("resource")

    def datastore_search_sql(self, actor: Actor, asked: Parameters) -> dict[str, Any]:
        """Return the answer of one SELECT over tables by the ids of their resources."""
        return self.sql.datastore_search_sql(actor, asked)

    def help_show(self, actor: Actor, asked: Parameters) -> str:
        """Return what an action does, in a sentence."""
        self.access.require(actor, Permission.OPENDATA_DATASET_READ)
        name = asked.needed("name")
        if name not in ACTIONS:
            raise not_found("action")
        action = ACTIONS[name]
        return action.refusal[1] if action.refusal else getdoc(action.verb) or name


def _packages(name: str) -> Action:
    method = getattr(PackageReads, name)

    def verb(ckan: Ckan, actor: Actor, asked: Parameters) -> Any:
        return method(ckan.packages, actor, asked)

    verb.__doc__ = method.__doc__
    return Action(verb)


def _writes(name: str) -> Action:
    method = getattr(PackageWrites, name)

    def verb(ckan: Ckan, actor: Actor, asked: Parameters) -> Any:
        return method(ckan.writes, actor, asked)

    verb.__doc__ = method.__doc__
    return Action(verb, changes=True)


def _rows(name: str) -> Action:
    method = getattr(Datastore, name)

    def verb(ckan: Ckan, actor: Actor, asked: Parameters) -> Any:
        return method(ckan.rows, actor, asked)

    verb.__doc__ = method.__doc__
    return Action(verb)


def _takes(name: str) -> Action:
    method = getattr(RowWrites, name)

    def verb(ckan: Ckan, actor: Actor, asked: Parameters) -> Any:
        return method(ckan.hand_ins.rows, actor, asked)

    verb.__doc__ = method.__doc__
    return Action(verb, changes=True, waits=True)


def _hands_in(name: str) -> Action:
    method = getattr(FileWrites, name)

    def verb(ckan: Ckan, actor: Actor, asked: Parameters) -> Any:
        return method(ckan.hand_ins.files, actor, asked)

    verb.__doc__ = method.__doc__
    return Action(verb, changes=True, waits=True, files=True)


_READS: Final = [
    "site_read",
    "status_show",
    "package_list",
    "current_package_list_with_resources",
    "package_show",
    "package_search",
    "package_autocomplete",
    "package_activity_list",
    "recently_changed_packages_activity_list",
    "resource_show",
    "resource_search",
    "resource_view_list",
    "organization_list",
    "group_list",
    "organization_show",
    "group_show",
    "organization_autocomplete",
    "group_autocomplete",
    "organization_list_for_user",
    "tag_list",
    "tag_show",
    "tag_search",
    "tag_autocomplete",
    "format_autocomplete",
    "license_list",
    "vocabulary_list",
    "vocabulary_show",
    "user_show",
    "user_list",
]

_NO_WRITE: Final = (
    "本平台的目录由编制、审核、发布流程产生，此操作不支持。请使用 /api/v1/catalog 或管理控制台。",
    "Entries come to be by compiling, review and publication here, so this action is not supported. Use /api/v1/catalog or the console.",
)
_ROW_READS: Final = ("datastore_search", "datastore_info")
_NO_KEYS: Final = (
    "密钥在控制台签发，此操作不支持。请使用 /api/v1/keys。",
    "Keys are issued in the console, so this action is not supported. Use /api/v1/keys.",
)


def _refused(ckan: Ckan, actor: Actor, asked: Parameters) -> Any:  # pragma: no cover - act refuses before
    raise NotImplementedError


ACTIONS: Final[Mapping[str, Action]] = {
    **{name: _packages(name) for name in _READS},
    **{name: _rows(name) for name in _ROW_READS},
    "datastore_search_sql": Action(Ckan.datastore_search_sql),
    "help_show": Action(Ckan.help_show),
    **{
        f"{what}_{verb}": Action(_refused, changes=True, refusal=_NO_WRITE)
        for what in ("organization", "group")
        for verb in ("create", "update", "patch", "delete")
    },
    **{f"package_{verb}": _writes(f"package_{verb}") for verb in ("create", "update", "patch", "delete")},
    **{f"resource_{verb}": _hands_in(f"resource_{verb}") for verb in ("create", "update", "patch", "delete")},
    **{f"datastore_{verb}": _takes(f"datastore_{verb}") for verb in ("create", "upsert", "delete")},
    **{f"api_token_{verb}": Action(_refused, changes=True, refusal=_NO_KEYS) for verb in ("create", "list", "revoke")},
}
"""Every action by its name."""
