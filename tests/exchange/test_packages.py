"""Encrypted packages: whole, under a password that is kept nowhere, and only while the grant behind them holds."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pyzipper
import typer
from exchange_bureau import AT, TABLE, Bureau, People
from typer.testing import CliRunner

from beijiang import terminal
from beijiang.crypto import draw_password, open_package, seal_package
from beijiang.evidence import EvidenceQuery
from beijiang.exchange import Narrowing, Way
from beijiang.exchange.commands import add_packages, unpack_command
from beijiang.kit import SYSTEM, BeijiangError, Denied, Invalid, Language, NotFound, Refused, Throttled
from beijiang.protection import files
from beijiang.tables import Filter, FilterOp

CAPITAL, CITY, NAME = "注册资本", "盟市", "企业名称"
FILE = frozenset({Way.FILE})
CSV = files.DownloadOrder(form=files.DownloadFormat.CSV, encoding=files.DownloadEncoding.UTF8_BOM)


def sealed(bureau: Bureau, login: str = "consumer", order: files.DownloadOrder = CSV) -> tuple[bytes, Any]:
    made = bureau.platform.packages.make(bureau[login], TABLE, order)
    content = b"".join(bureau.platform.packages.fetch(bureau[login], made.package.id).content)
    return content, made


@pytest.mark.parametrize("form", list(files.DownloadFormat))
def test_a_package_holds_the_data_its_manifest_the_receipt_and_the_terms(
    bureau: Bureau, tmp_path: Path, form: files.DownloadFormat
) -> None:
    grant = bureau.granted(CAPITAL, CITY, ways=FILE)
    content, made = sealed(bureau, order=files.DownloadOrder(form=form))
    assert hashlib.new("sm3", content).hexdigest() == made.package.sm3
    with zipfile.ZipFile(io.BytesIO(content)) as plain, pytest.raises(RuntimeError):
        plain.read("manifest.json")
    path = tmp_path / "package.zip"
    path.write_bytes(content)
    parts = {part.name: part for part in open_package(path, made.password, tmp_path / "into")}
    data = f"{TABLE}_v{made.package.version}.{form}"
    assert set(parts) == {data, "manifest.json", "receipt.json", "使用条款.txt", "说明.txt"}
    manifest = json.loads(parts["manifest.json"].read_text())
    assert (manifest["grant"], manifest["receipt"]) == (grant.id, made.package.receipt)
    for part in manifest["parts"]:
        assert hashlib.new("sm3", parts[part["name"]].read_bytes()).hexdigest() == part["sm3"]
    receipt = json.loads(parts["receipt.json"].read_text())
    assert receipt["id"] == made.package.receipt
    assert hashlib.sha256(parts[data].read_bytes()).hexdigest() in json.dumps(receipt), (
        "the receipt is of this very file"
    )
    assert grant.id in parts["使用条款.txt"].read_text()
    said = parts["说明.txt"].read_text()
    assert f"Receipt {made.package.receipt}" in said
    assert "用途 Purpose " in said
    assert "consumer" in said
    if form is files.DownloadFormat.CSV:
        assert parts[data].read_text().count("商贸有限公司") == 30


def test_the_password_is_kept_nowhere(bureau: Bureau) -> None:
    bureau.granted(CAPITAL, ways=FILE)
    _, made = sealed(bureau)
    assert len(made.password.replace("-", "")) == 25
    bureau.platform.evidence.flush()
    told = bureau.platform.evidence.page(EvidenceQuery(limit=100))
    assert made.password not in repr(told)
    home = Path(bureau.platform.settings.home)
    for path in home.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert made.password.encode() not in content, path
    assert {draw_password() for _ in range(50)}.isdisjoint({made.password})


def test_a_wrong_password_or_a_changed_byte_opens_nothing(bureau: Bureau, tmp_path: Path) -> None:
    bureau.granted(CAPITAL, ways=FILE)
    content, made = sealed(bureau)
    path = tmp_path / "package.zip"
    path.write_bytes(content)
    with pytest.raises(Invalid):
        open_package(path, made.password + "X", tmp_path / "a")
    assert not list((tmp_path / "a").iterdir())
    right = {b"a,b\n1,2\n" * 200, b"{}"}
    seal_package(tmp_path / "small.zip", {"d.csv": b"a,b\n1,2\n" * 200, "manifest.json": b"{}"}, "p")
    small, refused = (tmp_path / "small.zip").read_bytes(), 0
    for at in range(0, len(small), 3):  # each try derives a key
        path.write_bytes(small[:at] + bytes([small[at] ^ 1]) + small[at + 1 :])
        into = tmp_path / f"changed{at}"
        try:
            found = open_package(path, "p", into)
        except Invalid:
            refused += 1
            assert not list(into.iterdir())
        else:
            assert {part.read_bytes() for part in found} <= right, (
                "a part is as it was, or not there: the manifest misses it"
            )
    assert refused > 33
    path.write_bytes(b"no package")
    with pytest.raises(Invalid):
        open_package(path, made.password, tmp_path / "b")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("x")
    with pytest.raises(Invalid, match="not empty"):
        open_package(path, made.password, tmp_path / "full")


def test_a_package_writes_beside_its_folder_never(tmp_path: Path) -> None:
    for number, name in enumerate(("../out.txt", "/out.txt", "a/b.txt", "..")):
        path = tmp_path / f"{number}.zip"
        with pyzipper.AESZipFile(path, "w", encryption=pyzipper.WZ_AES) as package:
            package.setpassword(b"x")
            package.writestr(name, b"out")
        with pytest.raises(Invalid):
            open_package(path, "x", tmp_path / f"into{number}")
    assert not (tmp_path / "out.txt").exists()


def test_a_package_is_handed_over_only_while_the_same_grant_holds(bureau: Bureau) -> None:
    grant = bureau.granted(CAPITAL, CITY, ways=FILE)
    packages = bureau.platform.packages
    first, second, third = (packages.make(bureau["consumer"], TABLE, CSV).package for _ in range(3))
    assert {one.id for one in packages.waiting(bureau["consumer"])} >= {first.id, second.id, third.id}
    with pytest.raises(NotFound):
        packages.fetch(bureau["colleague"], first.id)
    with pytest.raises(NotFound):
        packages.fetch(bureau["consumer"], "pkg_unknown")
    bureau.exchange.narrow(bureau["lead"], grant.id, Narrowing(without=frozenset({CITY})), "减项")
    with pytest.raises(NotFound):
        packages.fetch(bureau["consumer"], first.id)
    assert not list(Path(bureau.platform.settings.home, "packages").glob(f"{first.id}*")), "it is gone from the disk"
    kept = packages.make(bureau["consumer"], TABLE, CSV).package
    bureau.clock.advance(timedelta(hours=25))
    with pytest.raises(NotFound):
        packages.fetch(bureau["consumer"], kept.id)
    packages.watch()
    assert not list(Path(bureau.platform.settings.home, "packages").glob("pkg_*"))
    last = packages.make(bureau["consumer"], TABLE, CSV).package
    bureau.exchange.revoke(bureau["lead"], grant.id, "用途结束")
    with pytest.raises(NotFound):
        packages.fetch(bureau["consumer"], last.id)


def test_without_a_grant_for_files_there_is_no_package(bureau: Bureau) -> None:
    packages = bureau.platform.packages
    with pytest.raises(Refused):
        packages.make(bureau["consumer"], TABLE, CSV)
    bureau.granted(CAPITAL, ways=frozenset({Way.API}))
    with pytest.raises(Refused):
        packages.make(bureau["consumer"], TABLE, CSV)
    bureau.end_all()
    bureau.granted(CAPITAL, ways=FILE, rows_per_day=40)
    packages.make(bureau["consumer"], TABLE, CSV)
    with pytest.raises(Throttled):
        packages.make(bureau["consumer"], TABLE, CSV)
    assert not list(Path(bureau.platform.settings.home, "packages").glob(".making-*"))
    some = files.DownloadOrder(form=files.DownloadFormat.CSV, filters=(Filter(CITY, FilterOp.EQ, "包头市"),))
    with pytest.raises(BeijiangError):
        packages.make(bureau["consumer"], TABLE, some)


def test_programs_and_operators_have_packages(bureau: Bureau, tmp_path: Path) -> None:
    bureau.granted(CAPITAL, ways=FILE)
    consumer = People(bureau)["consumer"]
    made = consumer.post(f"{AT}/tables/{TABLE}/package", json={"format": "parquet"})
    assert made.status_code == 201, made.text
    assert consumer.head(made.json()["url"]).status_code == 422, "a look at the header takes nothing"
    got = consumer.get(made.json()["url"])
    assert (got.status_code, got.headers["content-type"]) == (200, "application/zip")
    assert got.headers["x-beijiang-receipt"] == made.json()["receipt"]
    path, words = tmp_path / "a.zip", tmp_path / "password"
    path.write_bytes(got.content)
    words.write_text(made.json()["password"] + "\n")
    listed = consumer.get(f"{AT}/packages").json()["packages"]
    assert made.json()["id"] in {one["id"] for one in listed}
    assert not any("password" in one for one in listed)
    terminal.set_style(as_json=True, language=Language.EN)
    app = typer.Typer()
    app.command("unpack")(unpack_command())
    done = CliRunner().invoke(app, [str(path), "--into", str(tmp_path / "into"), "--password-file", str(words)])
    assert done.exit_code == 0, (done.output, done.exception)
    assert len(list((tmp_path / "into").iterdir())) == 5
    group = typer.Typer()
    add_packages(group, lambda: bureau.platform.packages, lambda: bureau.platform.access)
    group.command("other")(lambda: None)
    out = tmp_path / "b.zip"
    done = CliRunner().invoke(group, ["package", TABLE, str(out), "--as", "consumer"])
    assert done.exit_code == 0, (done.output, done.exception)
    password = json.loads(done.output)["password"]
    assert open_package(out, password, tmp_path / "b")


def test_a_package_in_the_national_algorithm_is_opened_offline(bureau: Bureau, tmp_path: Path) -> None:
    bureau.granted(CAPITAL, CITY, ways=FILE)
    consumer = People(bureau)["consumer"]
    made = consumer.post(f"{AT}/tables/{TABLE}/package", json={"cipher": "sm4"})
    assert made.status_code == 201, made.text
    assert made.json()["file_name"].endswith(".bjsm4")
    got = consumer.get(made.json()["url"])
    assert (got.status_code, got.headers["content-type"]) == (200, "application/octet-stream")
    assert hashlib.new("sm3", got.content).hexdigest() == made.json()["sm3"]
    path, words = tmp_path / "a.bjsm4", tmp_path / "password"
    path.write_bytes(got.content)
    words.write_text(made.json()["password"])
    terminal.set_style(as_json=True, language=Language.EN)
    app = typer.Typer()
    app.command("unpack")(unpack_command())
    done = CliRunner().invoke(app, [str(path), "--into", str(tmp_path / "into"), "--password-file", str(words)])
    assert done.exit_code == 0, (done.output, done.exception)
    assert len(list((tmp_path / "into").iterdir())) == 5
    group = typer.Typer()
    add_packages(group, lambda: bureau.platform.packages, lambda: bureau.platform.access)
    group.command("other")(lambda: None)
    out = tmp_path / "b.bjsm4"
    done = CliRunner().invoke(group, ["package", TABLE, str(out), "--cipher", "sm4", "--as", "consumer"])
    assert done.exit_code == 0, (done.output, done.exception)
    assert open_package(out, json.loads(done.output)["password"], tmp_path / "b")
    assert consumer.post(f"{AT}/tables/{TABLE}/package", json={"cipher": "des"}).status_code == 422


def test_a_part_that_is_not_the_manifests_is_not_called_whole(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command("unpack")(unpack_command())
    words = tmp_path / "password"
    words.write_text("p")
    right = hashlib.new("sm3", b"data").hexdigest()
    for number, (digest, more) in enumerate(((right, {}), ("0" * 64, {}), (right, {"extra.txt": b"x"}))):
        part = {"name": "d.csv", "sm3": digest, "bytes": 4}
        path = tmp_path / f"{number}.zip"
        seal_package(path, {"d.csv": b"data", "manifest.json": json.dumps({"parts": [part]}).encode(), **more}, "p")
        into = ["--into", str(tmp_path / f"into{number}"), "--password-file", str(words)]
        done = CliRunner().invoke(app, [str(path), *into])
        assert (done.exit_code == 0) is (number == 0)
        if number:
            assert isinstance(done.exception, Invalid)
            assert not list((tmp_path / f"into{number}").iterdir())


def test_nobody_else_is_named(bureau: Bureau) -> None:
    """The operator, who acts for the platform, has no grant and so no package."""
    with pytest.raises(Refused):
        bureau.platform.packages.make(SYSTEM, TABLE, CSV)


def test_a_package_that_is_being_fetched_stops_when_the_grant_ends(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beijiang.exchange.service.packaging._CHUNK", 64)
    monkeypatch.setattr("beijiang.protection.models.rechecks.BYTES", 128)
    grant = bureau.granted(CAPITAL, CITY, ways=FILE)
    made = bureau.platform.packages.make(bureau["consumer"], TABLE, CSV).package
    pieces = iter(bureau.platform.packages.fetch(bureau["consumer"], made.id).content)
    had = len(next(pieces))
    bureau.exchange.revoke(bureau["lead"], grant.id, "用途结束")
    with pytest.raises(Denied) as ended:
        b"".join(pieces)
    assert (ended.value.reason, had) == ("access_ended", 64)
    bureau.platform.evidence.flush()
    (told,) = bureau.platform.evidence.page(EvidenceQuery(action="read.refused", limit=1)).records
    assert (told.decision, told.detail) == ("deny", {"receipt": made.receipt, "reason": "access_ended"})
