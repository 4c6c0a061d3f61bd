"""Pages of what is in a library: golden records, pairs that wait, decisions, and one source for each field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from beijiang.access import Permission
from beijiang.console.routes.frame import Frame, Seen, person
from beijiang.fusion import FARTHEST, GOLDEN, LEVELS, MATCHING, Spot, Verdict
from beijiang.kit import Denied, Invalid, NotFound, Text
from beijiang.tables import Filter, FilterOp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from beijiang.build import Platform
    from beijiang.fusion import Compared, Library, Subject, Together

Reason = Annotated[str, Form(max_length=1000)]


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    fusion = platform.fusion

    @pages.get("/libraries/{library}/subjects")
    def subjects(
        request: Request,
        library: str,
        field: Annotated[str, Query(max_length=200)] = "",
        value: Annotated[str, Query(max_length=200)] = "",
        after: Annotated[str | None, Query(max_length=2000)] = None,
    ) -> HTMLResponse:
        filters = [Filter(field, FilterOp.CONTAINS, value)] if field and value else []
        found = fusion.subjects(person(request), library, filters, after)
        texts = [c.name for c in found.governed.columns if c.type == "text"]
        return frame.page(
            request,
            "subjects.html",
            library=found.library,
            found=found,
            rows=found.rows.to_pylist(),
            golden=GOLDEN,
            field=field or _first_text(found.library.elements, texts),
            value=value,
            texts=texts,
            masked={c.name for c in found.governed.columns if c.masked},
        )

    @pages.get("/libraries/{library}/places")
    def places(
        request: Request,
        library: str,
        spot: Annotated[str, Query(max_length=60)] = "",
        km: Annotated[float, Query(gt=0, le=FARTHEST)] = 50,
    ) -> HTMLResponse:
        who, found, fault = person(request), None, None
        try:
            if spot.strip():
                found = fusion.near(who, library, _spot(spot), km=km)
        except (Invalid, Denied) as error:
            fault = error.text
        seen = fusion.library(who, library)
        return frame.page(
            request, "places.html", library=seen, found=found, fault=fault, spot=spot, km=km, golden=GOLDEN,
            geometry=seen.geometry,
        )  # fmt: skip

    @pages.get("/libraries/{library}/subjects/{subject}")
    def subject(request: Request, library: str, subject: str) -> HTMLResponse:
        who = person(request)
        found = fusion.subject(who, library, subject)
        return frame.page(
            request,
            "subject.html",
            s=found,
            library=found.library,
            fields=_fields(found),
            changes=_changes(found),
            may={"decide": platform.access.allows(who, Permission.FUSION_PAIR_DECIDE, found.library.org_id)},
        )

    @pages.post("/libraries/{library}/subjects/{subject}/take-out")
    def take_out(
        request: Request,
        library: str,
        subject: str,
        record: Annotated[list[str] | None, Form(max_length=200)] = None,
        reason: Reason = "",
        seen: Seen = "",
    ) -> RedirectResponse:
        back = f"/console/libraries/{quote(library)}/subjects/{quote(subject)}"

        def step() -> tuple[str, Text]:
            fusion.take_out(person(request), library, subject, record or [], reason, seen=seen)
            return f"/console/libraries/{quote(library)}/decisions", Text(
                "已移出，下次运行生效。可在本页撤销。", "Taken out from the next run on; it can be undone here."
            )

        return frame.attempt(request, back, step)

    @pages.get("/libraries/{library}/merge")
    def together(request: Request, library: str, subjects: Annotated[str, Query(max_length=4000)] = "") -> Response:
        who, here = person(request), f"/console/libraries/{quote(library)}"
        try:
            found = fusion.together(who, library, _names(subjects))
        except (Invalid, NotFound) as error:
            return frame.after(request, f"{here}/subjects", error.text, "bad")
        return frame.page(
            request,
            "merge.html",
            library=found.library,
            found=found,
            rows=_in_rows(found),
            may={"decide": platform.access.allows(who, Permission.FUSION_PAIR_DECIDE, found.library.org_id)},
        )

    @pages.post("/libraries/{library}/merge")
    def merge(
        request: Request,
        library: str,
        subjects: Annotated[str, Form(max_length=4000)] = "",
        reason: Reason = "",
        seen: Seen = "",
    ) -> RedirectResponse:
        here = f"/console/libraries/{quote(library)}"

        def step() -> tuple[str, Text]:
            fusion.merge(person(request), library, _names(subjects), reason, seen=seen)
            return f"{here}/decisions", Text(
                "已归并，下次运行生效。可在本页撤销。", "Merged from the next run on; it can be undone here."
            )

        return frame.attempt(request, f"{here}/merge?subjects={quote(' '.join(_names(subjects)))}", step)

    _add_pairs(pages, frame, platform)
    _add_claims(pages, frame, platform)
    return pages


def _add_pairs(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    fusion = platform.fusion

    @pages.get("/libraries/{library}/pairs")
    def pairs(request: Request, library: str, offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0) -> HTMLResponse:
        who = person(request)
        found, waiting = fusion.queue(who, library, offset)
        links = {link.number: link.table for link in fusion.links(who, library)}
        return frame.page(
            request,
            "pairs.html",
            library=fusion.library(who, library),
            pairs=found,
            waiting=waiting,
            offset=offset,
            tables=links,
        )

    @pages.get("/library-pairs/{pair}")
    def compare(request: Request, pair: str) -> HTMLResponse:
        who = person(request)
        found = fusion.compare(who, pair)
        library = fusion.library(who, found.pair.library_id)
        return frame.page(
            request,
            "pair.html",
            c=found,
            library=library,
            fields=_side_by_side(found),
            labels=_labels(library),
            levels=LEVELS,
            most=max((abs(bar.weight) for bar in found.bars), default=1.0) or 1.0,
            may={"decide": platform.access.allows(who, Permission.FUSION_PAIR_DECIDE, library.org_id)},
        )

    @pages.post("/library-pairs/{pair}")
    def decide(
        request: Request, pair: str, verdict: Annotated[str, Form(max_length=20)], reason: Reason = "", seen: Seen = ""
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            who = person(request)
            chosen = Verdict.SAME if verdict == Verdict.SAME.value else Verdict.DIFFERENT
            made = fusion.decide(who, pair, chosen, reason, seen=seen)
            waiting, _ = fusion.queue(who, made.library_id, limit=1)
            href = (
                f"/console/library-pairs/{waiting[0].id}"
                if waiting
                else f"/console/libraries/{made.library_id}/decisions"
            )
            return href, Text(f"已判定：{chosen.text.zh}。", f"Decided: {chosen.text.en}.")

        return frame.attempt(request, f"/console/library-pairs/{quote(pair)}", step)

    @pages.get("/libraries/{library}/decisions")
    def decisions(request: Request, library: str) -> HTMLResponse:
        who = person(request)
        found = fusion.library(who, library)
        allows = platform.access.allows
        return frame.page(
            request,
            "decisions.html",
            library=found,
            decisions=fusion.decisions(who, found.id),
            unapplied=fusion.unapplied(who, found.id),
            people={one.id: one.name for one in platform.access.people(who)}
            if allows(who, Permission.ACCESS_PERSON_READ)
            else {},
            may={
                "decide": allows(who, Permission.FUSION_PAIR_DECIDE, found.org_id),
                "manage": allows(who, Permission.FUSION_LIBRARY_MANAGE, found.org_id),
            },
        )

    @pages.post("/library-decisions/{library}/{decision}/revoke")
    def revoke(request: Request, library: str, decision: str, reason: Reason = "") -> RedirectResponse:
        back = f"/console/libraries/{quote(library)}/decisions"

        def step() -> tuple[str, Text]:
            fusion.revoke(person(request), decision, reason)
            return back, Text("已撤销，下次运行生效。", "Revoked from the next run on.")

        return frame.attempt(request, back, step)


def _add_claims(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    fusion = platform.fusion

    @pages.get("/libraries/{library}/claims")
    def claims(request: Request, library: str) -> HTMLResponse:
        who = person(request)
        found = fusion.library(who, library)
        declared, disputes = fusion.claims(who, found.id)
        allows = platform.access.allows
        return frame.page(
            request,
            "claims.html",
            library=found,
            claims=declared,
            disputes=disputes,
            elements={one.id: one.element for one in declared},
            names={one.id: one.short for one in platform.access.organisations()},
            own=who.org_id,
            may={
                "raise": allows(who, Permission.FUSION_CLAIM_RAISE, who.org_id),
                "decide": allows(who, Permission.FUSION_CLAIM_DECIDE),
            },
        )

    @pages.post("/libraries/{library}/claims")
    def declare(
        request: Request,
        library: str,
        element: Annotated[str, Form(max_length=100)],
        basis: Annotated[str, Form(max_length=1000)] = "",
    ) -> RedirectResponse:
        back = f"/console/libraries/{quote(library)}/claims"

        def step() -> tuple[str, Text]:
            fusion.declare_source(person(request), library, element, basis)
            return back, Text("已申报，等待数据局确认。", "Declared; the data bureau confirms.")

        return frame.attempt(request, back, step)

    @pages.post("/library-claims/{library}/{claim}/{what}")
    def decide(request: Request, library: str, claim: str, what: str, reason: Reason = "") -> RedirectResponse:
        back = f"/console/libraries/{quote(library)}/claims"

        def step() -> tuple[str, Text]:
            who = person(request)
            if what == "object":
                fusion.object_to(who, claim, reason)
                return back, Text("异议已提交，等待裁定。", "The objection waits for a ruling.")
            if what in {"uphold", "dismiss"}:
                fusion.rule(who, claim, reason, uphold=what == "uphold")
                return back, Text("已裁定。", "Ruled.")
            if what == "withdraw":
                fusion.withdraw(who, claim)
                return back, Text("异议已撤回。", "The objection is withdrawn.")
            fusion.confirm_source(who, claim, reason, accept=what == "accept")
            return back, Text("已记录。", "Done.")

        return frame.attempt(request, back, step)


def _first_text(elements: Sequence[Any], texts: Sequence[str]) -> str:
    """Return the field that a person would look in first: a name, else the first text."""
    named = [one.name for one in elements if one.name in texts and ("名" in one.name)]
    return named[0] if named else next((one.name for one in elements if one.name in texts), "")


def _fields(found: Subject) -> list[dict[str, Any]]:
    """Return each field with its value, the record that it is from, and what the other records say."""
    now = found.now or {}
    rows = []
    for one in found.library.elements:
        member = found.source_of(one.name)
        others = [
            (each.table, each.row[one.name])
            for each in found.members
            if each is not member and each.row is not None and each.row.get(one.name) not in {None, ""}
        ]
        rows.append(
            {
                "name": one.name,
                "value": now.get(one.name),
                "from": member,
                "others": others,
                "disputed": one.name in str(now.get("分歧字段") or "").split("、"),
            }
        )
    return rows


def _changes(found: Subject) -> list[dict[str, Any]]:
    """Return the states of a subject, newest first, each with what was different in the one before."""
    names = [one.name for one in found.library.elements]
    rows = []
    for n, state in enumerate(found.states):
        older = found.states[n + 1] if n + 1 < len(found.states) else None
        changed = (
            [] if older is None else [(name, older[name], state[name]) for name in names if older[name] != state[name]]
        )
        rows.append({"from": state["valid_from"], "to": state["valid_to"], "first": older is None, "changed": changed})
    return rows


def _labels(library: Library) -> Mapping[str, Text]:
    """Return the words for what moves a probability: the compared fields, where one starts, and how rare the values are."""
    words = {"prior": Text("起点", "to begin with"), "rarity": Text("取值少见的程度", "how rare the values are")}
    if library.matching:
        words |= {field.name: field.label for field in MATCHING[library.matching].model().fields}
    return words


def _side_by_side(found: Compared) -> list[tuple[str, Any, Any]]:
    def now(side: Subject | None) -> Mapping[str, Any]:
        return side.now if side is not None and side.now is not None else {}

    left, right = now(found.left), now(found.right)
    library = found.left or found.right
    names = [one.name for one in library.library.elements] if library is not None else []
    return [(name, left.get(name), right.get(name)) for name in names if name in left or name in right]


def _in_rows(found: Together) -> list[tuple[str, Sequence[Any], bool]]:
    """Return each field with the value of each subject, and whether they differ."""
    rows: list[tuple[str, Sequence[Any], bool]] = []
    for name in [one.name for one in found.library.elements]:
        values = [(one.now or {}).get(name) for one in found.subjects]
        if any(value is not None for value in values):
            rows.append((name, values, len({str(value) for value in values if value is not None}) > 1))
    return rows


def _names(words: str) -> list[str]:
    return words.replace("，", " ").replace("、", " ").replace(",", " ").split()


def _spot(words: str) -> Spot:
    """Read a longitude and a latitude as people write them.

    Raises:
        Invalid: it is not two numbers.

    """
    parts = words.replace("，", ",").replace(",", " ").split()
    try:
        lon, lat = (float(part) for part in parts)
    except ValueError:
        raise Invalid(
            f"“{words[:60]}”不是位置。请写经度和纬度两个数，如 111.67, 40.82。",
            f'"{words[:60]}" is no spot. Give longitude and latitude as two numbers, such as 111.67, 40.82.',
            code="bad_spot",
        ) from None
    return Spot(lon, lat)
