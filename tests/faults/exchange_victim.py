"""Ask, decide, read and end, over and over, until killed; each line says what a person has been told."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from beijiang.build import Platform, build
from beijiang.exchange import Item, Narrowing, RequestDraft, Terms, Way
from beijiang.kit import Actor, SystemClock
from beijiang.protection import Handling, files
from beijiang.protection.models import rowquery
from beijiang.settings import Settings


def said(*words: Any) -> None:
    """One line at once, so that a kill leaves a whole one or none."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def once(platform: Platform, people: dict[str, Actor], resource: str, table: str) -> None:
    exchange = platform.exchange
    terms = Terms(
        items=tuple(Item(name, Handling.AS_IS) for name in ("企业名称", "注册资本", "盟市")),
        ways=frozenset({Way.API, Way.FILE}),
        since=exchange.today,
        until=exchange.today + timedelta(days=30),
    )
    draft = RequestDraft(
        resource_id=resource, terms=terms, purpose="supervision", use="与名单比对，核查超范围经营", basis="条例第五条"
    )
    request = exchange.submit(people["consumer"], [exchange.put(people["consumer"], draft).id])[0]
    said("request", request.id, request.revision)
    for login in ("reviewer", "steward", "lead"):
        request = exchange.approve(people[login], request.id, "同意")
        said("request", request.id, request.revision)
    grant = request.grant_id or ""
    said("grant", grant)
    page = exchange.rows(people["consumer"], table, rowquery.RowQuery(size=5))
    said("rows", grant, page.receipt, len(page.rows))
    file = exchange.file(people["consumer"], table, files.DownloadOrder(form=files.DownloadFormat.CSV))
    size = sum(len(piece) for piece in file.content)
    said("rows", grant, file.receipt, 20 if size else 0)
    exchange.narrow(people["lead"], grant, Narrowing(without=frozenset({"盟市"})), "减项")
    exchange.suspend(people["lead"], grant, "核查")
    exchange.resume(people["lead"], grant, "无误")
    exchange.revoke(people["lead"], grant, "结束")
    said("revoked", grant)


def main(home: Path, resource: str, table: str) -> None:
    platform = build(Settings.for_tests(home), SystemClock())
    people = {login: platform.access.actor_for_person(login) for login in ("consumer", "reviewer", "steward", "lead")}
    said("ready")
    while True:
        once(platform, people, resource, table)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
