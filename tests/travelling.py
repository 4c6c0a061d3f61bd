"""The region and a city, each with departments, people and a register of firms; each can be asked by the other."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from beijiang.app import create_app
from beijiang.catalog import Entry, ItemEdit, OpenType, ResourceEdit, ShareMethod, ShareType
from beijiang.catalog import Item as CatalogItem
from beijiang.exchange import Request, Way
from beijiang.kit import SYSTEM
from linked import Node, linked, region_and_city
from waiting import until

sys.path.insert(0, str(Path(__file__).parent / "exchange"))
from exchange_bureau import ID, OWNER, Bureau, People

ORIGIN, WORD = "https://testserver", "Zhen-Shi-De-Mi-Ma-9"
CAPITAL, CITY, NAME = "注册资本", "盟市", "企业名称"
COLUMNS = (NAME, CITY, CAPITAL, ID)


__all__ = ["CAPITAL", "CITY", "NAME", "Browser", "Bureau", "Levels", "People", "answered", "turn"]


def answered(up: Node, down: Node) -> bool:
    """Post what two nodes have written; tell whether every letter is answered, and let a minute pass where one is not."""
    while up.post() + down.post():
        pass
    waiting = up.waiting() + down.waiting()
    up.clock.at += timedelta(minutes=1 if waiting else 0)
    return not waiting


def turn(levels: Any) -> None:
    """Have two nodes look at what is due of their catalogs, and post until every letter is answered."""
    levels.clock.advance(timedelta(minutes=1))
    for node in (levels.down, levels.up):
        node.platform.cascade.watch()
    levels.post()


class Levels:
    """Both nodes, linked; ``entry`` is the city's register as the region knows it, ``above`` the region's as the city does."""

    def __init__(self, folder: Path) -> None:
        self.up, self.down = region_and_city(folder)
        for node in (self.up, self.down):
            node.platform.first_start()
        linked(self.up, self.down)
        self.region, self.city = (Bureau(node.platform, node.clock) for node in (self.up, self.down))
        self.clock = self.up.clock
        self.entry = self.known(self.region, self.down, self.city.resource.id)
        self.above = self.known(self.city, self.up, self.region.resource.id)

    def known(self, bureau: Bureau, other: Node, theirs: str) -> str:
        """Register an entry whose data another node holds, and publish it."""
        catalog = bureau.platform.catalog
        entry = Entry(
            name="对方节点的企业登记信息",
            summary="由对方节点持有，本级只有目录。",
            provider_id=OWNER,
            categories=bureau.platform.catalog.get(bureau["steward"], bureau.resource.id).entry.categories,
            formats=bureau.platform.catalog.get(bureau["steward"], bureau.resource.id).entry.formats,
            items=tuple(CatalogItem(column=c, name=c) for c in COLUMNS),
        )
        made = catalog.register(bureau["steward"], entry)
        bureau.platform.travels.place(bureau["steward"], made.id, other.id, theirs)
        edit = ResourceEdit(
            share_type=ShareType.CONDITIONAL,
            share_condition="由对方节点审批",
            share_method=ShareMethod.FILE,
            open_type=OpenType.NOT_OPEN,
            open_condition="含个人信息",
            update_cycle="1",
            items=(ItemEdit(column=NAME, share_type=ShareType.UNCONDITIONAL),),
        )
        catalog.edit(bureau["steward"], made.id, edit)
        catalog.submit(bureau["steward"], made.id)
        catalog.approve(bureau["reviewer"], made.id)
        catalog.publish(bureau["publisher"], made.id)
        return made.id

    def post(self) -> None:
        """Let letters go to and fro until every one is answered; one that a slow machine cut off goes again a minute later."""

        until(lambda: answered(self.up, self.down))

    def ask(self, *columns: str, **words: Any) -> Request:
        """Have a department of the region ask for the city's data; its own authority has it now."""
        found: Request = self.region.asked(*columns, resource=self.entry, ways=frozenset({Way.FILE}), **words)
        return found

    def left(self, *columns: str, **words: Any) -> tuple[Request, Request]:
        """Ask, let it leave, and post: return the request here and as it was filed there."""
        made = self.ask(*columns, **words)
        self.region.exchange.approve(self.region["reviewer"], made.id, "同意外送")
        self.post()
        return self.here(made.id), self.there(made.id)

    def granted(self, *columns: str, **words: Any) -> tuple[Request, Request]:
        """Ask, and let everybody agree on both sides."""
        made, filed = self.left(*columns, **words)
        for login in ("reviewer", "steward", "lead", "publisher"):
            self.city.exchange.approve(self.city[login], filed.id, "同意")
        self.post()
        return self.here(made.id), self.there(made.id)

    def here(self, request_id: str) -> Request:
        found: Request = self.region.exchange.request(self.region["consumer"], request_id).request
        return found

    def there(self, request_id: str) -> Request:
        """Return the request of the region as it stands in the city."""
        known = self.city.exchange.requests(self.city["reviewer"])[0]
        return next(one for one in known if one.afar is not None and one.afar.request_id == request_id)

    def close(self) -> None:
        self.up.close()
        self.down.close()


class Browser:
    """Somebody signed in to the console of one node."""

    def __init__(self, bureau: Bureau, login: str) -> None:
        access = bureau.platform.access
        code = access.reset_person(SYSTEM, bureau[login].id).code
        access.change_password(access.sign_in(login, code, "tests").actor, code, WORD)
        self.client = TestClient(
            create_app(bureau.platform), base_url=ORIGIN, follow_redirects=False, headers={"Origin": ORIGIN}
        )
        assert self.client.post("/console/sign-in", data={"login": login, "password": WORD}).status_code == 303
        page = self.client.get("/console/sharing").text
        self.client.headers["X-CSRF-Token"] = page.split('<meta name="csrf" content="')[1].split('"')[0]

    def get(self, path: str) -> str:
        found = self.client.get(path)
        assert found.status_code == 200, (path, found.status_code, found.text[:500])
        return found.text

    def post(self, path: str, **data: Any) -> Any:
        found = self.client.post(path, data=data)
        assert found.status_code in {200, 303}, (path, found.status_code, found.text[:500])
        return found
