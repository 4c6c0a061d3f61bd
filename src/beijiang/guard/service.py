"""Look at the parts an installation needs, without touching anybody's data."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import text

from beijiang.db import migrations
from beijiang.guard.models import Finding
from beijiang.kit import BeijiangError, Text

if TYPE_CHECKING:
    from beijiang.db import Database
    from beijiang.engine.port import Engine
    from beijiang.evidence import Evidence
    from beijiang.exchange import FlightState
    from beijiang.settings import Settings

FREE_BYTES = 2 << 30
SQLITE = (3, 35, 0)
SHOWN = 5
"""Names of lost documents that are told."""
LAG_SECONDS = 600
"""Age of a record outside of the signed tree that asks for somebody."""


class Health:
    """Tell whether the installation works; for machines in one word, for the operator in sentences."""

    def __init__(  # noqa: PLR0913, PLR0917 - wired once, in build.py
        self,
        settings: Settings,
        db: Database,
        engine: Engine,
        evidence: Evidence,
        assets: Callable[[], bool],
        locked_out: Callable[[], Sequence[str]],
        left_behind: Callable[[], Sequence[str]],
        flight: Callable[[], FlightState],
        lost_texts: Callable[[], Sequence[str]],
        years_wanting: Callable[[], Sequence[int]],
    ) -> None:
        self._settings = settings
        self._db = db
        self._engine = engine
        self._evidence = evidence
        self._assets = assets
        self._locked_out = locked_out
        self._left_behind = left_behind
        self._flight_state = flight
        self._lost_texts = lost_texts
        self._years_wanting = years_wanting

    def alive(self) -> bool:
        """Tell whether the metadata database answers; cheap enough to be asked every second."""
        with self._db.read() as connection:
            return bool(connection.execute(text("SELECT 1")).scalar_one() == 1)

    def examine(self) -> Sequence[Finding]:
        """Look at every part once and say how to mend what is wrong."""
        return [
            self._python(),
            self._home(),
            self._disk(),
            self._database(),
            self._search(),
            self._query_engine(),
            self._web_assets(),
            self._secrets(),
            self._captures(),
            self._texts(),
            self._calendar(),
            self._flight(),
            self._evidence_log(),
            self._evidence_seal(),
        ]

    def _python(self) -> Finding:
        version = ".".join(map(str, sys.version_info[:3]))
        return Finding("python", sys.version_info >= (3, 11), Text(f"Python {version}", f"Python {version}"))

    def _home(self) -> Finding:
        home = self._settings.home
        if not os.access(home, os.W_OK):
            zh, en = "主目录不可写，请检查权限。", "The home folder cannot be written; check its permissions."
            return Finding("home", ok=False, text=Text(zh, en))
        if home.stat().st_mode & 0o007:
            zh, en = (
                "主目录对其他用户开放，请执行 chmod 700。",
                "The home folder is open to other users; run chmod 700 on it.",
            )
            return Finding("home", ok=False, text=Text(zh, en))
        return Finding(
            "home", ok=True, text=Text("主目录可写，且只属于本账号", "writable, and private to this account")
        )

    def _disk(self) -> Finding:
        free = shutil.disk_usage(self._settings.home).free
        size = f"{free / 2**30:.1f} GiB"
        if free < FREE_BYTES:
            return Finding(
                "disk",
                ok=False,
                text=Text(
                    f"磁盘只剩 {size}，请至少留出 2 GiB。", f"Only {size} of disk are left; keep at least 2 GiB free."
                ),
            )
        return Finding("disk", ok=True, text=Text(f"剩余 {size}", f"{size} free"))

    def _database(self) -> Finding:
        at = migrations.current(self._db)
        kind = self._db.url.get_backend_name()
        if at != migrations.HEAD:
            zh = f"元数据库停在第 {at} 步，程序需要 {migrations.HEAD}。请重新启动以完成升级。"
            en = f"The metadata database is at step {at}, the program needs {migrations.HEAD}. Start again to upgrade it."
            return Finding("database", ok=False, text=Text(zh, en))
        return Finding("database", ok=True, text=Text(f"{kind}，版本 {at}", f"{kind}, step {at}"))

    def _search(self) -> Finding:
        if not self._db.is_sqlite:
            return Finding("search", ok=True, text=Text("使用 PostgreSQL 全文检索", "PostgreSQL full text"))
        options = {row[0] for row in sqlite3.connect(":memory:").execute("PRAGMA compile_options")}
        ok = "ENABLE_FTS5" in options and sqlite3.sqlite_version_info >= SQLITE
        zh = f"SQLite {sqlite3.sqlite_version}" + ("" if ok else "：需要 3.35 以上并带 FTS5，请换用带 FTS5 的 Python。")
        en = f"SQLite {sqlite3.sqlite_version}" + (
            "" if ok else ": 3.35 with FTS5 is needed; use a Python that has it."
        )
        return Finding("search", ok=ok, text=Text(zh, en))

    def _query_engine(self) -> Finding:
        from sqlglot import exp

        try:
            rows = self._engine.fetch(exp.select(exp.Literal.number(1).as_("one")), {}).num_rows
        except BeijiangError as error:
            return Finding("engine", ok=False, text=error.text)
        return Finding("engine", ok=rows == 1, text=Text("查询引擎正常", "the query engine answers"))

    def _web_assets(self) -> Finding:
        if self._assets():
            return Finding("assets", ok=True, text=Text("网页资源齐全", "web assets are in place"))
        zh, en = "缺少网页资源，请执行 make assets。", "Web assets are missing; run make assets."
        return Finding("assets", ok=False, text=Text(zh, en))

    def _secrets(self) -> Finding:
        lost = self._locked_out()
        if not lost:
            return Finding("secrets", ok=True, text=Text("数据源的口令可以解开", "the secrets of sources open"))
        zh = f"这些数据源的口令解不开：{'、'.join(lost)}。请从密钥备份恢复 {self._settings.root_key_file.name}，或重新填写口令。"
        en = f"The secrets of these sources do not open: {', '.join(lost)}. Restore {self._settings.root_key_file.name} from its backup, or enter them anew."
        return Finding("secrets", ok=False, text=Text(zh, en))

    def _captures(self) -> Finding:
        stale = self._left_behind()
        if not stale:
            return Finding("captures", ok=True, text=Text("没有被搁置的日志捕获", "no log of a source is left behind"))
        zh = f"这些表跟踪数据源的日志，却已一天没有取数，日志正在占满数据源的磁盘：{'、'.join(stale)}。请取数，或停止这项取数。"
        en = f"These tables follow the log of their source and nobody has run them for a day, so that the log fills the source's disk: {', '.join(stale)}. Run or end these syncs."
        return Finding("captures", ok=False, text=Text(zh, en))

    def _texts(self) -> Finding:
        lost = self._lost_texts()
        if not lost:
            return Finding(
                "texts", ok=True, text=Text("文档都在 texts 文件夹", "the documents are in the folder texts")
            )
        named = ", ".join(lost[:SHOWN])
        zh = f"{len(lost)} 份文档的原件缺失或已变动（{named}）。请从备份恢复主目录里的 texts 文件夹。"
        en = f"The bytes of {len(lost)} documents are gone or changed ({named}). Restore the folder texts of the home from its backup."
        return Finding("texts", ok=False, text=Text(zh, en))

    def _calendar(self) -> Finding:
        years = ", ".join(map(str, self._years_wanting()))
        if not years:
            return Finding("calendar", ok=True, text=Text("工作日历齐全", "the working-day calendar is complete"))
        zh = f"工作日历缺少 {years} 年，进入该年的法定时限只是暂定。请数据局在“数据标准 · 工作日历”导入放假安排。"
        en = f"The working-day calendar lacks {years}, and limits of law that reach it are provisional. Have the data authority import its holidays on “Standards · Working days”."
        return Finding("calendar", ok=True, text=Text(zh, en), warns=True)

    def _flight(self) -> Finding:
        state = self._flight_state()
        if not self._settings.flight and not state.running:
            return Finding("flight", ok=True, text=Text("Flight SQL 未启用", "Flight SQL is not served"))
        problem = self._certificate() if state.tls else None
        if problem is not None:
            return Finding("flight", ok=False, text=problem)
        zh = f"Flight SQL 在 {state.address}" + ("" if state.running else "，随 beijiang serve 启动")
        en = f"Flight SQL at {state.address}" + ("" if state.running else ", started by beijiang serve")
        if state.running:
            zh += f"，正在读取 {state.reading} 个结果"
            en += f", {state.reading} answers are being read"
        return Finding("flight", ok=True, text=Text(zh, en))

    def _certificate(self) -> Text | None:
        """Return what is wrong with the certificate of Flight SQL."""
        from cryptography import x509

        path = self._settings.flight_tls_cert
        try:
            found = x509.load_pem_x509_certificate(b"" if path is None else path.read_bytes())
        except (OSError, ValueError):
            return Text(
                "读不到 Flight SQL 的证书，请检查 flight_tls_cert。",
                "The certificate of Flight SQL cannot be read; look at flight_tls_cert.",
            )
        if found.not_valid_after_utc < datetime.now(UTC):
            return Text(
                "Flight SQL 的证书已过期，请更换后重新启动。",
                "The certificate of Flight SQL has run out; replace it and start again.",
            )
        return None

    def _evidence_seal(self) -> Finding:
        state = self._evidence.state()
        zh = f"封存滞后 {state.lag_seconds:.0f} 秒，待入库 {state.spool_bytes} 字节，丢失 {state.lost} 条"
        en = f"sealing {state.lag_seconds:.0f} s behind, {state.spool_bytes} bytes wait for the database, {state.lost} records lost"
        if state.unwitnessed_seconds is not None:
            zh += f"，距上次见证 {state.unwitnessed_seconds:.0f} 秒"
            en += f", {state.unwitnessed_seconds:.0f} s since a witness signed"
        ok = state.lag_seconds < LAG_SECONDS and not state.lost
        if not ok:
            zh += "。请检查数据库与密钥文件，并查看“封存与见证”。"
            en += ". Check the database and the key file, and look at “Seal and witnesses”."
        return Finding("evidence_seal", ok=ok, text=Text(zh, en))

    def _evidence_log(self) -> Finding:
        report = self._evidence.check()
        if report.ok:
            zh, en = f"存证 {report.records} 条，链条完整", f"{report.records} records, the chain is whole"
            return Finding("evidence", ok=True, text=Text(zh, en))
        return Finding("evidence", ok=False, text=report.problems[0].what)
