"""The applications of the demo region: submitted by their department, reviewed and released, each as whose task it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING, Final

from beijiang.apps import AudienceKind, VersionState, parse_bundle, take

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


def add_applications(platform: Platform, person: Callable[[str], Actor], names: Sequence[str] = NAMES) -> None:
    """Bring the applications to the public; what an earlier start did stays."""
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
            inside = name in INSIDE
            whom = tuple(one.id for one in platform.access.organisations()) if inside else ()
            kind = AudienceKind.DEPARTMENTS if inside else AudienceKind.PUBLIC
            platform.apps.release(person("publisher"), name, newest.number, kind, whom)
