"""Data contracts: the list, one contract against its tables, editing, versions side by side, decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Form, Query, Request, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from beijiang.access import Permission
from beijiang.console.lists import contract_table
from beijiang.console.routes.frame import Frame, language, person
from beijiang.console.routes.listed import listed
from beijiang.console.routes.sharing import names
from beijiang.contracts import METRICS, OPEN_STATES, OPERATORS, Edit, State
from beijiang.kit import BeijiangError, Text
from beijiang.web import content_disposition

if TYPE_CHECKING:
    from starlette.datastructures import FormData

    from beijiang.build import Platform
    from beijiang.contracts import Contract, Terms
    from beijiang.kit import Actor

HERE = "/console/contracts"
_WORDS = ("name", "version", "description/purpose", "description/usage", "description/limitations")


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of contracts."""
    pages, contracts = APIRouter(prefix="/console", include_in_schema=False), platform.contracts

    @pages.get("/contracts")
    def all_(request: Request) -> Response:
        return _list(frame, platform, request)

    @pages.post("/contracts")
    def hand_in(request: Request, file: UploadFile, reason: Annotated[str, Form(max_length=1000)] = "") -> Response:
        """Take a file in; its faults are listed above the form, with line and column."""
        who, content = person(request), file.file.read()
        try:
            made = contracts.hand_in(who, who.org_id or "", content, reason)
        except BeijiangError as error:
            if error.status in {401, 403}:
                raise
            return _list(frame, platform, request, fault=error)
        words = Text("契约已原样保存，批准后生效。", "The contract is kept as it is; it counts once it is approved.")
        return frame.after(request, f"{HERE}/{made.id}", words)

    @pages.post("/contracts/make")
    def make(request: Request, table: Annotated[str, Form(max_length=200)]) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            made = contracts.make(person(request), table)
            return f"{HERE}/{made.id}", Text(
                "已据现有数据表生成草稿，请补全。", "A draft of what is known is made; complete it."
            )

        return frame.attempt(request, HERE, step)

    @pages.get("/contracts/{contract}")
    def one(request: Request, contract: str, version: Annotated[str, Query(max_length=60)] = "") -> HTMLResponse:
        who = person(request)
        view = contracts.view(who, contract, version)
        found = view.contract
        others = [v.version for v in found.versions if v.version != view.version.version]
        base = found.active.version if found.active and found.active.version in others else (others or [""])[-1]
        return frame.page(
            request,
            "contract.html",
            view=view,
            bound=contracts.bound(who, contract, view.version.version),
            changes=contracts.compare(who, contract, base, view.version.version) if base else (),
            base=base,
            tables=_tables(platform, who, found),
            objects=[(o.name, o.name) for o in view.terms.objects],
            names={o.id: o.short for o in platform.access.organisations()},
            may=_rights(platform, who, found),
        )

    @pages.get("/contracts/{contract}/odcs.yaml")
    def file(
        request: Request, contract: str, version: Annotated[str, Query(max_length=60)] = "", original: bool = False
    ) -> Response:
        who = person(request)
        content = contracts.file(who, contract, version, original=original)
        name = f"{contracts.contract(who, contract).name}.odcs.yaml"
        headers = {"Content-Disposition": content_disposition(name)}
        return Response(content, media_type="application/yaml", headers=headers)

    _add_editing(pages, frame, platform)
    _add_steps(pages, frame, platform)
    return pages


def _add_editing(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    contracts = platform.contracts

    @pages.get("/contracts/{contract}/edit")
    def ask(request: Request, contract: str) -> HTMLResponse:
        who = person(request)
        found = contracts.contract(who, contract)
        platform.access.require(who, Permission.CONTRACTS_CONTRACT_MANAGE, found.org_id)
        tongue = language(request)
        view = contracts.view(who, contract)
        return frame.page(
            request,
            "contract_edit.html",
            view=view,
            places=_places(view.terms),
            metrics=[(name, name) for name in METRICS],
            operators=[(name, name) for name in OPERATORS],
            severities=[
                (key, text.in_language(tongue))
                for key, text in (
                    ("error", Text("error：不达标不放行", "error: holds a version back")),
                    ("warning", Text("warning：仅提示", "warning: is told")),
                    ("info", Text("info：仅记录", "info: is noted")),
                )
            ],
        )

    @pages.post("/contracts/{contract}/edit")
    async def edit(request: Request, contract: str) -> RedirectResponse:
        form, back = await request.form(), f"{HERE}/{contract}"

        def step() -> tuple[str, Text]:
            who = person(request)
            terms = contracts.view(who, contract).terms
            steps, reason = _edit(form, terms), str(form.get("reason") or "")[:1000]
            contracts.edit(who, contract, steps, reason)
            return back, Text("草稿已保存，只改动了相关的行。", "The draft is saved; only the lines concerned changed.")

        return await run_in_threadpool(frame.attempt, request, f"{back}/edit", step)


def _add_steps(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    contracts = platform.contracts

    @pages.post("/contracts/{contract}/bind")
    def bind(
        request: Request,
        contract: str,
        object_: Annotated[str, Form(alias="object", max_length=300)],
        table: Annotated[str, Form(max_length=200)],
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            contracts.bind(person(request), contract, object_, table)
            return f"{HERE}/{contract}", Text(f"“{table}”已受契约约束。", f"{table} is bound by the contract.")

        return frame.attempt(request, f"{HERE}/{contract}", step)

    @pages.post("/contracts/{contract}/unbind")
    def unbind(
        request: Request,
        contract: str,
        table: Annotated[str, Form(max_length=200)],
        reason: Annotated[str, Form(max_length=1000)] = "",
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            contracts.unbind(person(request), contract, table, reason)
            return f"{HERE}/{contract}", Text(f"“{table}”已解除约束。", f"{table} is let go.")

        return frame.attempt(request, f"{HERE}/{contract}", step)

    @pages.post("/contracts/{contract}/{step}")
    def decide(
        request: Request,
        contract: str,
        step: str,
        reason: Annotated[str, Form(max_length=1000)] = "",
        seen: Annotated[str, Form(max_length=300)] = "",
    ) -> RedirectResponse:
        def done() -> tuple[str, Text]:
            verb, words = _STEPS[step] if step in _STEPS else _STEPS["propose"]
            shown = {"seen": seen} if verb == "approve" else {}
            getattr(contracts, verb)(person(request), contract, reason, **shown)
            return f"{HERE}/{contract}", words

        return frame.attempt(request, f"{HERE}/{contract}", done)


_STEPS = {
    "propose": ("propose", Text("已提交，等待另一人批准。", "Proposed; somebody else decides.")),
    "approve": (
        "approve",
        Text("契约已生效，正在按条款检查数据表。", "The contract is in force; its tables are being held against it."),
    ),
    "return": ("send_back", Text("已退回起草人。", "Sent back to its author.")),
    "retire": ("retire", Text("契约已终止。", "The contract is ended.")),
}


def _list(frame: Frame, platform: Platform, request: Request, *, fault: BeijiangError | None = None) -> Response:
    who = person(request)
    found = platform.contracts.contracts(who)
    bound = {binding.table for one in found for binding in one.bindings}
    may = platform.access.allows(who, Permission.CONTRACTS_CONTRACT_MANAGE, who.org_id)
    own = [info.name for info in platform.tables.list(who) if may and info.org_id == who.org_id]
    return listed(
        frame,
        platform,
        request,
        "contracts.html",
        contract_table(found, names(platform)),
        fault=fault,
        faults=fault.detail.get("faults", ()) if fault is not None else (),
        free=[(name, name) for name in own if name not in bound],
        may=may,
    )


def _tables(platform: Platform, who: Actor, found: Contract) -> list[tuple[str, str]]:
    bound = {binding.table for binding in found.bindings}
    return [(i.name, i.name) for i in platform.tables.list(who) if i.org_id == found.org_id and i.name not in bound]


def _rights(platform: Platform, who: Actor, found: Contract) -> dict[str, bool]:
    allows = platform.access.allows
    manage = allows(who, Permission.CONTRACTS_CONTRACT_MANAGE, found.org_id)
    approve = allows(who, Permission.CONTRACTS_CONTRACT_APPROVE, found.org_id)
    newest = found.newest
    waits = newest.state is State.PROPOSED
    return {
        "edit": manage and not waits,
        "propose": manage and newest.state is State.DRAFT,
        "decide": approve and waits and who.id not in {newest.by, newest.proposed_by},
        "retire": approve and found.active is not None,
        "bind": approve if found.active is not None else manage and newest.state in OPEN_STATES,
    }


def _places(terms: Terms) -> list[tuple[str, str]]:
    """Return where a rule of quality may be added: pointer and words."""
    found = []
    for one in terms.objects:
        found.append((f"{_pointer(one.path)}/quality", one.name))
        found += [(f"{_pointer(field.path)}/quality", f"{one.name} · {field.name}") for field in one.fields]
    return found


def _pointer(path: tuple[str | int, ...]) -> str:
    return "".join(f"/{step}" for step in path)


def _edit(form: FormData, terms: Terms) -> Edit:
    """Read the form: only what differs from the file is changed."""
    put: dict[str, Any] = {}
    said = {
        "name": terms.name,
        "version": terms.version,
        "description/purpose": terms.purpose,
        "description/usage": terms.usage,
        "description/limitations": terms.limitations,
    }
    for key in _WORDS:
        words = str(form.get(key) or "").replace("\r\n", "\n").strip()[:4000]
        if words and words != said[key].strip():
            put[f"/{key}"] = words
    for one in terms.objects:
        for field in one.fields:
            at = _pointer(field.path)
            for flag, was in (("required", field.required), ("unique", field.unique)):
                now = form.get(f"{flag}:{at}") is not None
                if f"shown:{at}" in form and now != was:
                    put[f"{at}/{flag}"] = now
            words = str(form.get(f"classification:{at}") or "").strip()[:100]
            if words and words != field.classification:
                put[f"{at}/classification"] = words
    for service in terms.services:
        words = str(form.get(f"sla:{_pointer(service.path)}") or "").strip()[:100]
        if words and words != str(service.value):
            put[f"{_pointer(service.path)}/value"] = _number(words)
    gone = [str(value)[:400] for value in form.getlist("remove")]
    return Edit(put=put, remove=gone, add=_added(form))


def _added(form: FormData) -> list[tuple[str, dict[str, Any]]]:
    metric, bound = str(form.get("metric") or ""), str(form.get("bound") or "").strip()
    if not metric or not bound:
        return []
    operator, where = str(form.get("operator") or "mustBe"), str(form.get("where") or "")[:400]
    value: dict[str, Any] = {"type": "library", "metric": metric}
    numbers = [_number(part) for part in bound.replace("，", ",").split(",")]
    value[operator] = numbers if operator.endswith("Between") else numbers[0]
    arguments = [part.strip() for part in str(form.get("values") or "").replace("；", ";").split(";") if part.strip()]
    if arguments and metric in {"invalidValues", "missingValues"}:
        value["arguments"] = {"validValues" if metric == "invalidValues" else "missingValues": arguments}
    if form.get("percent"):
        value["unit"] = "percent"
    value["severity"] = str(form.get("severity") or "error")
    return [(where, value)]


def _number(words: str) -> str | int | float:
    try:
        return int(words)
    except ValueError:
        try:
            return float(words)
        except ValueError:
            return words
