"""Encrypted packages (加密包): what a grant gives, as one file under a password that is shown once and kept nowhere."""

from __future__ import annotations

import json
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.crypto import draw_password, seal_package, seal_sm4, sm3_of
from beijiang.exchange.models import purposes
from beijiang.exchange.models.handing import MadePackage, Package, PackageCipher
from beijiang.exchange.service.base import Base
from beijiang.exchange.store import GrantStore, HandingStore
from beijiang.kit import SYSTEM, NotFound, Refused, new_id
from beijiang.protection import Asked, ControlRule, Recheck, access_ended, asks, files
from beijiang.tables import Exit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from beijiang.exchange.models import Grant
    from beijiang.exchange.service.delivering import Delivering
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.tables import GovernedTable

__all__ = ["Packages"]

WAITS: Final = timedelta(hours=24)
_CHUNK: Final = 1 << 20
_WAITING_MOST: Final = 20
"""Packages that wait for one person: each is a whole table on the disk."""
_ENDINGS: Final = {PackageCipher.AES: ".zip", PackageCipher.SM4: ".bjsm4"}
MANIFEST, RECEIPT, TERMS, MARK = "manifest.json", "receipt.json", "使用条款.txt", "说明.txt"


class Packages(Base):
    """Packages wait a day for whoever had them made, and are handed over while the decision behind them still holds."""

    def __init__(
        self, delivering: Delivering, folder: Path, receipt: Callable[[Actor, str], Mapping[str, Any]]
    ) -> None:
        super().__init__(delivering.parts)
        self._delivering = delivering
        self._folder = folder
        self._receipt = receipt

    def make(
        self,
        actor: Actor,
        table: str,
        order: files.DownloadOrder,
        purpose: str = "",
        cipher: PackageCipher = PackageCipher.AES,
    ) -> MadePackage:
        """Write what the actor's grant gives as an encrypted package; the password is in the answer and nowhere else.

        Raises:
            NotFound: unknown or forbidden.
            Denied: no grant of the actor's is for the purpose stated.
            Refused: there is no grant for files (``package_no_grant``), too many packages wait (``packages_many``),
                or the grade asks for SM4 (``package_needs_sm4``).
            Throttled: the grant does not cover so many rows today.

        """
        if len(self.waiting(actor)) >= _WAITING_MOST:
            raise Refused(
                f"您已有 {_WAITING_MOST} 个加密包待取，请先取走；每个最多保留一天。",
                f"{_WAITING_MOST} packages wait for you already; fetch them first. Each waits a day at most.",
                code="packages_many",
            )
        governed = self._delivering.open_for_file(actor, table, purpose)
        with self.db.read() as connection:
            grant = GrantStore(connection).get(governed.grant) if governed.grant else None
        if grant is None:
            raise Refused(
                "没有可下载文件的授权，不能制作加密包。请申请“文件”方式的授权；不经审批即可取得的数据请直接下载。",
                "You have no grant for files of this table. Ask for one with the way file; download what needs no grant as it is.",
                code="package_no_grant",
            )
        grade = max((column.grade for column in governed.columns), default="L1")
        if cipher is not PackageCipher.SM4 and asks(ControlRule.SM4_PAYLOAD, grade, self._delivering.today):
            raise Refused(
                f"{grade} 级数据的加密包只能用 SM4。请选择 SM4 再制作，用 beijiang unpack 打开。",
                f"A package with data of grade {grade} is sealed with SM4 only. Choose SM4; beijiang unpack opens it.",
                code="package_needs_sm4",
                detail={"grade": grade},
            )
        marked = self._delivering.marked(actor, governed, order, grant.purpose, always=True)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        password, package_id = draw_password(), new_id("pkg")
        with tempfile.TemporaryDirectory(dir=self._folder, prefix=".making-") as name:
            parts = self._parts(actor, governed, grant, marked, Path(name))
            sealed = Path(name) / f"sealed{_ENDINGS[cipher]}"
            (seal_sm4 if cipher is PackageCipher.SM4 else seal_package)(sealed, parts, password)
            made = self._noted(actor, governed, grant, sealed, package_id)
            sealed.replace(self._place(made))
        return MadePackage(made, password)

    def waiting(self, actor: Actor) -> Sequence[Package]:
        """Return the packages that wait for the actor, the newest first."""
        self.access.require(actor, Permission.PROTECTION_ROWS_READ_GRANTED)
        with self.db.read() as connection:
            found = HandingStore(connection).packages(actor.id)
        return [one for one in found if one.until > self.clock.now() and self._place(one).exists()]

    def fetch(self, actor: Actor, package_id: str) -> files.Download:
        """Hand a package to whoever had it made, if the very same would be handed over now.

        Raises:
            NotFound: no such package of the actor's, its time is over, or the right to it ended.

        """
        self.access.require(actor, Permission.PROTECTION_ROWS_READ_GRANTED)
        with self.db.read() as connection:
            found = HandingStore(connection).package(package_id)
        if found is None or found.by != actor.id or found.until <= self.clock.now() or not self._place(found).exists():
            raise _no_package()
        asked = Asked(table=found.table, exit=Exit.DOWNLOAD, grant=found.grant_id, version=found.version)

        def confirm() -> None:
            if not self.parts.gate.holds(actor, asked, found.obligations):
                self.parts.evidence.refuse_read(found.receipt, "access_ended")
                raise access_ended()

        if not self.parts.gate.holds(actor, asked, found.obligations):
            self._remove(found)
            self.parts.gate.refused(actor, asked, "access_ended")
            raise _no_package()
        detail: dict[str, JsonValue] = {"package": found.id, "receipt": found.receipt, "sm3": found.sm3}
        with self.db.begin() as tx:
            self.parts.evidence.record(tx, actor, "exchange.package_fetch", target=found.table, detail=detail)
        media = "application/zip" if found.file_name.endswith(".zip") else "application/octet-stream"
        return files.Download(found.file_name, media, self._pieces(found, confirm), "", found.receipt)

    def watch(self) -> None:
        """Remove packages whose time is over, and what a killed process left; called by the dispatcher every minute."""
        now = self.clock.now()
        with self.db.read() as connection:
            past = HandingStore(connection).past(now)
        for one in past:
            self._remove(one)
        if self._folder.is_dir():
            oldest = (now - WAITS).timestamp()
            for left in self._folder.glob(".making-*"):
                if left.stat().st_mtime < oldest:
                    shutil.rmtree(left, ignore_errors=True)

    def _parts(
        self, actor: Actor, governed: GovernedTable, grant: Grant, order: files.DownloadOrder, folder: Path
    ) -> dict[str, Path | bytes]:
        name = files.file_name(governed.table, governed.version, order)
        data = folder / "data"
        with data.open("wb") as file:
            file.writelines(files.receipted(governed, order))
        receipt = json.dumps(self._receipt(SYSTEM, governed.receipt), ensure_ascii=False, indent=1, default=str)
        line = "" if order.mark is None else order.mark.line
        parts: dict[str, Path | bytes] = {
            name: data,
            RECEIPT: receipt.encode(),
            TERMS: self._terms(grant).encode(),
            MARK: f"{line}\n{_told(order)}\n".encode(),
        }
        manifest = {
            "format": "beijiang-package/1",
            "table": governed.table,
            "version": governed.version,
            "receipt": governed.receipt,
            "grant": grant.id,
            "grantee": grant.org_id,
            "person": actor.name,
            "purpose": grant.purpose,
            "in_doubt": [*governed.in_doubt],
            "at": self.clock.now().isoformat(),
            "parts": [
                {
                    "name": part,
                    "sm3": sm3_of(content),
                    "bytes": len(content) if isinstance(content, bytes) else content.stat().st_size,
                }
                for part, content in parts.items()
            ],
        }
        parts[MANIFEST] = json.dumps(manifest, ensure_ascii=False, indent=1).encode()
        return parts

    def _terms(self, grant: Grant) -> str:
        told = purposes().get(grant.purpose)
        rows = [
            ("资源 Entry", grant.resource_name),
            ("使用部门 Consumer", grant.org_id),
            ("提供部门 Provider", grant.provider_id),
            ("用途 Purpose", "" if told is None else f"{told.zh} / {told.en}"),
            ("业务与用法 Use", grant.use),
            ("履职依据 Basis", grant.basis),
            ("数据项 Items", "、".join(grant.terms.columns)),
            ("有效期至 Until", grant.terms.until.isoformat()),
            ("授权号 Grant", grant.id),
            ("约定 Agreement", grant.agreement),
        ]
        rules = (
            "仅限上述用途使用；不得转让、对外提供或超出有效期留存；泄露或被召回时立即报告并删除。\n"
            "Use it for the purpose above only; do not pass it on or keep it longer; report a leak at once, and delete it when it is recalled."
        )
        return "\n".join(f"{name}：{value}" for name, value in rows) + f"\n\n{rules}\n"

    def _noted(self, actor: Actor, governed: GovernedTable, grant: Grant, sealed: Path, package_id: str) -> Package:
        now = self.clock.now()
        made = Package(
            id=package_id,
            by=actor.id,
            table=governed.table,
            version=governed.version,
            obligations=governed.obligations,
            grant_id=grant.id,
            purpose=grant.purpose,
            receipt=governed.receipt,
            file_name=f"{governed.table}_v{governed.version}{sealed.suffix}",
            bytes=sealed.stat().st_size,
            sm3=sm3_of(sealed),
            at=now,
            until=now + WAITS,
        )
        detail: dict[str, JsonValue] = {
            "package": made.id,
            "receipt": made.receipt,
            "grant": grant.id,
            "sm3": made.sm3,
            "bytes": made.bytes,
        }
        with self.db.begin() as tx:
            HandingStore(tx.connection).add_package(made)
            self.parts.evidence.record(tx, actor, "exchange.package_make", target=made.table, detail=detail)
        return made

    def _place(self, one: Package) -> Path:
        return self._folder / f"{one.id}{Path(one.file_name).suffix}"

    def _pieces(self, found: Package, confirm: Callable[[], None]) -> Iterator[bytes]:
        recheck = Recheck()
        with self._place(found).open("rb") as file:
            while piece := file.read(_CHUNK):
                recheck.before(len(piece), confirm)
                yield piece

    def _remove(self, one: Package) -> None:
        self._place(one).unlink(missing_ok=True)
        with self.db.begin() as tx:
            HandingStore(tx.connection).remove_package(one.id)


def _told(order: files.DownloadOrder) -> str:
    facts = {} if order.mark is None else order.mark.facts
    return "\n".join(f"{name}: {value}" for name, value in facts.items() if value)


def _no_package() -> NotFound:
    return NotFound(
        "没有这个加密包：已过期、不归您所有，或者授权已经改变。请重新制作。",
        "There is no such package: its day is over, it is not yours, or the grant behind it changed. Make a new one.",
        code="package_not_found",
    )
