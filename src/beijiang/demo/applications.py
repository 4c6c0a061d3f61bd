"""The applications of the demo region: submitted by their department, reviewed and released, each as whose task it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from beijiang.apps import AudienceKind, VersionState, filled_by, parse_bundle, take
from beijiang.demo.files import HandIn
from beijiang.demo.files.handin import OPEN_LICENCE, ShareType

if TYPE_CHECKING:
    from beijiang.kit import Actor
    from beijiang.platform import Platform

__all__ = ["add_applications", "bundled"]

NAMES: Final = (
    "market-entities",
    "macro-economy",
    "credit",
    "environment",
    "work-plan",
    "forest-fire",
    "tourism",
    "transport",
    "water-resources",
    "weather",
)
INSIDE: Final = frozenset({"work-plan"})
"""Applications for the departments only; the others are for everybody."""
SUMMARIES: Final = {
    "环境空气质量日评价": "各盟市每天每种污染物的日均值（臭氧为日最大8小时平均），按当天有效的二级限值判定是否超标，由“环保与生态”应用的作业每6小时从小时数据计算。",
}
"""Of the tables that jobs of the applications fill."""


def bundled(name: str) -> Mapping[str, str]:
    """Return the files of an application that comes with the demo."""
    root = files("beijiang.demo") / "applications" / name
    return take(_members(root, ""))


def _members(folder: Traversable, before: str) -> list[tuple[str, bytes]]:
    found = []
    for one in folder.iterdir():
        if one.is_dir():
            found += _members(one, f"{before}{one.name}/")
        else:
            found.append((before + one.name, one.read_bytes()))
    return found


def add_applications(
    platform: Platform,
    person: Callable[[str], Actor],
    publish: Callable[[HandIn], None],
    names: Sequence[str] = NAMES,
) -> None:
    """Bring the applications to the public, the tables that their jobs fill first; what an earlier start did stays."""
    for name in names:
        bundle = bundled(name)
        owner = person(f"steward.{parse_bundle(bundle).manifest.owner}")
        known = {app.id: app for app in platform.apps.apps(owner)}
        if name not in known:
            platform.apps.submit(owner, bundle)
        app, versions = platform.apps.app(owner, name)
        newest = versions[0]
        if newest.state is VersionState.SUBMITTED:
            note = "检查全部通过，数据均可在此范围使用。"
            platform.apps.review(person("reviewer"), name, newest.number, approve=True, note=note)
        if app.current is None:
            for job in platform.app_jobs.fill(owner, name, newest.number):
                platform.jobs.wait(job)
            for table in filled_by(parse_bundle(bundle)):
                publish(_about(platform, owner, app.org_id, table))
            inside = name in INSIDE
            whom = tuple(one.id for one in platform.access.organisations()) if inside else ()
            kind = AudienceKind.DEPARTMENTS if inside else AudienceKind.PUBLIC
            platform.apps.release(person("publisher"), name, newest.number, kind, whom)


def _about(platform: Platform, owner: Actor, org_id: str, table: str) -> HandIn:
    """Return what a department says of a table that a job of its application fills."""
    schema = platform.tables.schema(owner, table)
    columns = [name for name in schema.names if not name.startswith("_")] if schema else []
    return HandIn(
        path=Path(table),
        org_key=org_id,
        table_name=table,
        title=table,
        summary=SUMMARIES[table],
        columns=(*columns,),
        key_columns=(),
        rows=0,
        category="211001",
        update_cycle="2",
        share_type=ShareType.UNCONDITIONAL,
        licence=OPEN_LICENCE,
        open_columns=(*columns,),
    )
