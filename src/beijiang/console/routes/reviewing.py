"""Reviewing an entry: its items with what is said about each, and two versions side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from beijiang.access import Permission
from beijiang.catalog import TaskKind, Thread
from beijiang.console.comparing import extended, subjects
from beijiang.console.extending import field_names
from beijiang.console.routes.frame import Frame, language, number, person
from beijiang.console.words import told
from beijiang.kit import NotFound, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beijiang.build import Platform
    from beijiang.catalog import Entry, Resource, Version
    from beijiang.kit import Actor

_Said = Annotated[str, Form(max_length=4000)]
_REVIEWS = frozenset({TaskKind.REVIEW, TaskKind.PUBLISH})


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of a review."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    _add_looking(pages, frame, platform)
    _add_talking(pages, frame, platform)
    return pages


def _add_looking(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    @pages.get("/catalog/{resource_id}/review")
    def review(request: Request, resource_id: str) -> HTMLResponse:
        who = person(request)
        resource = platform.catalog.get(who, resource_id)
        threads = platform.catalog.threads(who, resource_id)
        allows, org = platform.access.allows, resource.provider_id
        return frame.page(
            request,
            "review.html",
            resource=resource,
            threads=_by_column(threads),
            left=sum(one.is_open for one in threads),
            changes=platform.catalog.changes(who, resource_id),
            following=_following(platform, who, resource_id),
            told=told,
            field_names=field_names(platform, who),
            names={one.id: one.name_zh for one in platform.access.organisations()},
            may={
                "approve": allows(who, Permission.CATALOG_RESOURCE_APPROVE, org),
                "publish": allows(who, Permission.CATALOG_RESOURCE_PUBLISH, org),
                "return": allows(who, Permission.CATALOG_RESOURCE_RETURN, org),
                "edit": allows(who, Permission.CATALOG_RESOURCE_EDIT, org),
            },
        )

    @pages.get("/catalog/{resource_id}/compare")
    def compare(request: Request, resource_id: str, before: str = "", after: str = "") -> HTMLResponse:
        who = person(request)
        resource = platform.catalog.get(who, resource_id)
        versions = platform.catalog.versions(who, resource_id)
        old, new = _chosen(resource, versions, before, after)
        values = [platform.catalog.extension_values(who, entry) for entry in (old[1], new[1])]
        found = subjects(
            old[1], new[1], platform.standards, language(request), extended(values[0], values[1], language(request))
        )
        return frame.page(
            request,
            "compare.html",
            resource=resource,
            versions=versions,
            before=old[0],
            after=new[0],
            subjects=found,
            changed=sum(one.kind is not None for one in found),
        )


def _chosen(
    resource: Resource, versions: Sequence[Version], before: str, after: str
) -> tuple[tuple[int, Entry], tuple[int, Entry]]:
    """Return the two states that were asked for; 0 is the working entry. Without a wish: the last version and today's."""
    numbered: dict[int, Entry] = {0: resource.entry, **{one.number: one.entry for one in versions}}
    last = versions[0].number if versions else 0
    old, new = number(before, last), number(after, 0)
    if old not in numbered or new not in numbered:
        raise NotFound("没有这个版本。", "There is no such version.", code="unknown_version")
    return (old, numbered[old]), (new, numbered[new])


def _by_column(threads: Sequence[Thread]) -> dict[str | None, list[Thread]]:
    found: dict[str | None, list[Thread]] = {}
    for one in threads:
        found.setdefault(None if one.gone else one.column, []).append(one)
    return found


def _following(platform: Platform, who: Actor, resource_id: str) -> Any:
    """Return the task after this one in the person's own queue of reviews, the most urgent first."""
    if not platform.access.allows(who, Permission.CATALOG_TASK_READ):
        return None
    queue = [task for task in platform.catalog.tasks_for(who) if task.kind in _REVIEWS]
    return next((task for task in queue if task.resource_id != resource_id), None)


def _add_talking(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    @pages.post("/catalog/{resource_id}/remarks")
    def remark(
        request: Request, resource_id: str, text: _Said, column: Annotated[str, Form(max_length=200)] = ""
    ) -> RedirectResponse:
        here = f"/console/catalog/{resource_id}/review"

        def step() -> tuple[str, Text]:
            made = platform.catalog.remark(person(request), resource_id, text, column=column or None)
            return f"{here}#{made.id}", Text("批注已记下，对方可见。", "The comment is kept; the other side sees it.")

        return frame.attempt(request, here, step)

    @pages.post("/catalog/{resource_id}/threads/{thread_id}/replies")
    def reply(request: Request, resource_id: str, thread_id: str, text: _Said) -> RedirectResponse:
        here = f"/console/catalog/{resource_id}/review"

        def step() -> tuple[str, Text]:
            platform.catalog.reply(person(request), thread_id, text)
            return f"{here}#{thread_id}", Text("已答复。", "Answered.")

        return frame.attempt(request, here, step)

    @pages.post("/catalog/{resource_id}/threads/{thread_id}/resolve")
    def resolve(request: Request, resource_id: str, thread_id: str) -> RedirectResponse:
        here = f"/console/catalog/{resource_id}/review"

        def step() -> tuple[str, Text]:
            platform.catalog.resolve(person(request), thread_id)
            return f"{here}#{thread_id}", Text("已了结。", "Settled.")

        return frame.attempt(request, here, step)
