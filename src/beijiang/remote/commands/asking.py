"""Asking for data of other departments, and following what becomes of it."""

# ruff: noqa: B008 - Typer reads options from defaults
from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

import typer

from beijiang.client import ApiTrouble, Client
from beijiang.kit import Text
from beijiang.remote.commands.shown import Shown
from beijiang.remote.speaking import Line
from beijiang.terminal import as_json, say, show

__all__ = ["add_asking"]

_REQUESTS: Final = "/api/v1/exchange/requests"
_DAYS: Final = 180
_AS_IS: Final = ":as_is"


def add_asking(group: typer.Typer, line: Line, shown: Shown) -> None:
    """Add the commands."""

    @group.command("ask")
    def ask(
        resource: str = typer.Argument(help="Id of the resource in the catalog."),
        item: list[str] = typer.Option(
            ..., "--item", help="Column that is asked for; COLUMN:as_is for its values as they are."
        ),
        way: list[str] = typer.Option(
            ["row_api"], "--way", help="How the data are to be had: page, row_api, sql, file, …, as for exchange ask."
        ),
        since: datetime | None = typer.Option(None, help="First day; today when left out.", formats=["%Y-%m-%d"]),
        until: datetime | None = typer.Option(None, help="Last day; 180 days on when left out.", formats=["%Y-%m-%d"]),
        where: list[str] = typer.Option([], "--where", help="Condition on the rows: COLUMN=VALUE or COLUMN__op=VALUE."),
        purpose: str = typer.Option(..., help="Code of the purpose; see exchange purposes."),
        use: str = typer.Option(..., help="In which business the data are used, and how."),
        basis: str = typer.Option("", help="Document and article that the business rests on."),
        impact: str = typer.Option("", help="Reference of the impact assessment, for sensitive items."),
        basket: bool = typer.Option(False, "--basket", help="Keep it in the basket instead of handing it in."),
    ) -> None:
        """Ask for items of a resource; what needs no approval is granted at once."""
        begin = date.today() if since is None else since.date()  # noqa: DTZ011 - the day of whoever asks
        order: dict[str, Any] = {
            "resource_id": resource,
            "items": [_item(one) for one in item],
            "ways": way,
            "since": begin.isoformat(),
            "until": (begin + timedelta(days=_DAYS) if until is None else until.date()).isoformat(),
            "where": where,
            "purpose": purpose,
            "use": use,
            "basis": basis,
            "impact": impact,
        }
        with line.open() as client:
            made = client.call("POST", _REQUESTS, body=order)
            if not basket:
                [made] = _handed_in(client, made["id"])
        shown.requests.show([made])

    @group.command("requests")
    def requests(
        words: str = typer.Option("", "--find", help="Words of the resource's or table's name, or an id."),
        state: list[str] = typer.Option([], help="Only in these states."),
        waiting: bool = typer.Option(False, "--waiting", help="Those whose stage is yours to decide, oldest first."),
    ) -> None:
        """Show the requests of and to your organisation, newest first."""
        query = [] if waiting else [("q", words), *(("state", one) for one in state)]
        with line.open() as client:
            found = client.call("GET", f"{_REQUESTS}/waiting" if waiting else _REQUESTS, query=query)
        shown.requests.show(found["requests"])

    @group.command("request")
    def request(request_id: str = typer.Argument(help="Id of the request.")) -> None:
        """Show one request and what happened to it."""
        with line.open() as client:
            found = client.call("GET", f"{_REQUESTS}/{quote(request_id, safe='')}")
        if as_json():
            show(found)
            return
        shown.requests.show([found])
        shown.steps.show(found["steps"])


def _handed_in(client: Client, request_id: str) -> list[Mapping[str, Any]]:
    """Hand a request in; where that fails, say first under which id it is kept."""
    try:
        found: list[Mapping[str, Any]] = client.call("POST", f"{_REQUESTS}/submit", body={"requests": [request_id]})[
            "requests"
        ]
    except ApiTrouble:
        look = f"beijiang remote request {request_id}"
        say(
            Text(
                f"申请 {request_id} 已保存，但没有得到提交成功的答复，请勿重新填写。用 {look} 查看它是否仍在申请篮。",
                f"Request {request_id} is kept, but nothing says that it was handed in. Do not write it again; {look} tells where it is.",
            ),
            always=True,
        )
        raise
    return found


def _item(word: str) -> dict[str, str]:
    as_is = word.endswith(_AS_IS)
    return {"column": word.removesuffix(_AS_IS), "handling": "as_is" if as_is else "masked"}
