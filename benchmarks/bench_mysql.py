"""A department's MariaDB into a committed, certified table, against its own command-line client reading the same rows.

    PYTHONPATH=src python benchmarks/bench_mysql.py [rows]

The server is Debian's mariadb-server as a throw-away instance, so source, client and platform share the machine.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pymysql
from bench_sources import read_alone, taken
from report import Line, peak_rss_mib, show

from beijiang.build import build
from beijiang.ingest import SourceDraft, SyncDraft, SyncMode
from beijiang.ingest.connectors.mysql import MySQL, MySQLOptions
from beijiang.kit import SYSTEM
from beijiang.outbound import Target
from beijiang.settings import Settings

TABLE = """CREATE TABLE `企业` (`编号` bigint PRIMARY KEY, `名称` varchar(60), `注册资本` decimal(12,2), `成立日期` date,
  `更新时间` timestamp(6) NOT NULL, `信用代码` varchar(40), `在营` tinyint(1), `产值` double, `区划代码` varchar(12), `人数` int,
  KEY (`更新时间`)) CHARACTER SET utf8mb4"""
FILL = """INSERT INTO `企业` SELECT seq, concat('内蒙古企业', seq), seq * 7 % 100000, date '2000-01-01' + interval seq % 9000 day,
  timestamp '2026-01-01 00:00:00' + interval seq second, md5(seq), seq % 2, seq / 3, concat('15', seq % 9999), seq % 100 FROM seq_1_to_{rows}"""


@contextlib.contextmanager
def mariadb(folder: Path) -> Iterator[Path]:
    """Run a server of our own and yield its socket."""
    place = f"{os.environ['PATH']}:/usr/sbin"
    server, install = (shutil.which(name, path=place) for name in ("mariadbd", "mariadb-install-db"))
    if server is None or install is None:
        raise SystemExit("MariaDB is missing; get it with: apt-get install -y --no-install-recommends mariadb-server")
    common = ["--no-defaults", f"--datadir={folder / 'data'}"]
    if os.getuid() == 0:
        shutil.chown(folder, "nobody")
        common.append("--user=nobody")
    made = [install, *common, "--auth-root-authentication-method=normal", "--skip-test-db"]
    subprocess.run(made, check=True, capture_output=True)
    words = [f"--socket={folder / 's'}", "--skip-networking", "--skip-log-bin", "--innodb-buffer-pool-size=1G"]
    running = subprocess.Popen([server, *common, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (folder / "s").exists():
        time.sleep(0.1)
    try:
        yield folder / "s"
    finally:
        running.terminate()
        running.wait()


def main(rows: int) -> None:
    with tempfile.TemporaryDirectory(prefix="bj-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "maria").mkdir()
        folder.chmod(0o755)
        with mariadb(folder / "maria") as where:
            with pymysql.connect(unix_socket=str(where), user="root", autocommit=True) as source:
                cursor = source.cursor()
                for statement in ("CREATE DATABASE d", "USE d", TABLE, FILL.format(rows=rows), "ANALYZE TABLE `企业`"):
                    cursor.execute(statement)
            client = min(read_by_client(where) for _ in range(2))
            platform = build(Settings.for_tests(folder / "home", engine_memory_mb=2048))
            platform.first_start()
            platform.sources.allow(SYSTEM, Target(folder=str(where.parent)), "bench")
            options = {"host": str(where), "database": "d", "user": "root", "tls": "off"}
            platform.sources.add(SYSTEM, SourceDraft(name="库", kind="mysql", org_id="education", options=options))
            draft = SyncDraft(
                source_id="库", feed="企业", table="企业", mode=SyncMode.INCREMENTAL, cursor="更新时间", overlap="60"
            )
            platform.sources.take(SYSTEM, draft)
            platform.jobs.start_worker()
            read = read_alone(MySQL(MySQLOptions.model_validate(options), platform.sources.outbound), "企业")
            full, cpu = taken(platform)
            log = next((folder / "home").glob("**/_delta_log/*.json"))
            committed = log.stat().st_mtime - platform.ingest.runs(SYSTEM, limit=1)[0].submitted_at.timestamp()
            nothing, _ = taken(platform)
            platform.close()
    show(
        f"MariaDB, {rows:,} rows x 10 columns",
        [
            Line("into a committed snapshot", committed, "its own client / 0.9", client / 0.9, 1.0),
            Line("the same, graded and certified", full, "its own client / 0.9", client / 0.9, 1.0),
            Line("read to Arrow, processor of this process", read, "400,000 rows per CPU second", rows / 400_000, 1.0),
            Line("the whole run, processor of this process", cpu, "400,000 rows per CPU second", rows / 400_000, 1.0),
            Line("run with no changed row", nothing, "limit", 1.0, 1.0),
            Line("peak memory", peak_rss_mib(), "limit", 1024, 1.0, "MiB"),
        ],
    )


def read_by_client(where: Path) -> float:
    """Return the seconds that the server's own client takes to read all rows and throw them away."""
    begin = time.perf_counter()
    words = ["mariadb", "--no-defaults", f"--socket={where}", "-uroot", "--quick", "--batch", "d"]
    subprocess.run([*words, "-e", "SELECT * FROM `企业`"], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
