"""Packages in the national algorithms: known answers, whole or not at all, and nothing cut, moved or exchanged."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from beijiang.crypto import open_package, seal_sm4
from beijiang.kit import Invalid

PIECE = (1 << 20) + 16


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    parts = {"数据.csv": os.urandom(3 << 20), "manifest.json": b"{}"}
    path = tmp_path_factory.mktemp("sm4") / "p.bjsm4"
    big = path.with_name("big")
    big.write_bytes(parts["数据.csv"])
    seal_sm4(path, {"数据.csv": big, "manifest.json": b"{}"}, "口令-A")
    return path, parts


def test_the_algorithms_answer_as_the_standards_print() -> None:
    """RFC 8998 A.1, and GB/T 32905 by way of PBKDF2."""
    sealing = Cipher(
        algorithms.SM4(bytes.fromhex("0123456789abcdeffedcba9876543210")),
        modes.GCM(bytes.fromhex("00001234567800000000abcd")),
    ).encryptor()
    sealing.authenticate_additional_data(bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2"))
    plain = b"".join(bytes([one]) * 8 for one in (0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF, 0xEE, 0xAA))
    assert (sealing.update(plain) + sealing.finalize()).hex() == (
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
    )
    assert sealing.tag.hex() == "83de3541e4c2b58177e065a9bf7b62ec"
    key = PBKDF2HMAC(hashes.SM3(), 32, b"salt", 1000).derive(b"password")
    assert key.hex() == "e8b635a41dfe5aaab7cf828cff6f3608e22cac59ba16edd70e000b293d00bc91"


def test_what_was_sealed_comes_back(package: tuple[Path, dict[str, bytes]], tmp_path: Path) -> None:
    path, parts = package
    assert {part.name: part.read_bytes() for part in open_package(path, "口令-A", tmp_path / "into")} == parts
    content = path.read_bytes()
    assert b"manifest" not in content
    assert "数据".encode() not in content


def test_nothing_is_cut_off_moved_exchanged_or_changed(package: tuple[Path, dict[str, bytes]], tmp_path: Path) -> None:
    content = package[0].read_bytes()
    head, _, rest = content.partition(b"\n")
    pieces = [rest[at : at + PIECE] for at in range(0, len(rest), PIECE)]
    assert len(pieces) == 4
    wrong = {
        "cut at a piece": head + b"\n" + b"".join(pieces[:-1]),
        "cut in a piece": content[:-1],
        "moved": head + b"\n" + b"".join([pieces[1], pieces[0], *pieces[2:]]),
        "longer": content + pieces[0],
        "other rounds": head.replace(b"200000", b"200001") + b"\n" + rest,
        "other head": head.replace(b"SM4-GCM", b"SM4-CBC") + b"\n" + rest,
        "changed": content[:-40] + bytes([content[-40] ^ 1]) + content[-39:],
        "no rounds": head.replace(b"200000", b"0") + b"\n" + rest,
        "all rounds": head.replace(b"200000", b"9" * 30) + b"\n" + rest,
        "no salt": head.replace(b'"salt"', b'"sal"') + b"\n" + rest,
        "head alone": head + b"\n",
        "half a head": head[:60],
    }
    for number, (what, changed) in enumerate(wrong.items()):
        path, into = tmp_path / f"{number}.bjsm4", tmp_path / f"into{number}"
        path.write_bytes(changed)
        with pytest.raises(Invalid) as refused:
            open_package(path, "口令-A", into)
        assert refused.value.reason == "package_unopened", what
        assert not list(into.iterdir()), what
    with pytest.raises(Invalid):
        open_package(package[0], "口令-B", tmp_path / "b")


def test_two_packages_of_the_same_have_nothing_in_common(tmp_path: Path) -> None:
    for name in ("a", "b"):
        seal_sm4(tmp_path / name, {"d.csv": b"1,2\n" * 1000}, "p")
    one, two = ((tmp_path / name).read_bytes().partition(b"\n")[2] for name in ("a", "b"))
    assert one[:64] != two[:64]
