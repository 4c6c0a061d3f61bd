"""Trees, proofs, notes and signatures after RFC 9162, C2SP and GB/T 32918: what is true is accepted, and nothing else."""

import base64
import hashlib
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from beijiang.crypto.signing import Ed25519Signer, Sm2Signer
from beijiang.evidence.models import Signer, consistency, cosign, inclusion, levels_of, root, signed
from beijiang.evidence.verifier import (
    ED25519,
    SM2,
    WITNESS,
    Checkpoint,
    Key,
    Note,
    Proof,
    entry_of,
    hash_of_shard,
    leaf_hash,
    node_hash,
    verify_consistency,
    verify_inclusion,
    verify_sm2,
)

LARGEST = 70


def plain_root(algorithm: str, leaves: list[bytes]) -> bytes:
    """Return the root word for word after RFC 9162 2.1.1, by another way than the platform's."""
    if not leaves:
        return hashlib.new(algorithm).digest()
    if len(leaves) == 1:
        return hashlib.new(algorithm, b"\0" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    halves = plain_root(algorithm, leaves[:k]) + plain_root(algorithm, leaves[k:])
    return hashlib.new(algorithm, b"\1" + halves).digest()


def tree(algorithm: str, size: int) -> tuple[list[bytes], Callable[[int, int], bytes]]:
    leaves = [leaf_hash(algorithm, str(i).encode()) for i in range(size)]
    levels = levels_of(algorithm, leaves)
    return leaves, lambda level, index: levels[level][index]


@pytest.mark.parametrize("algorithm", ["sha256", "sm3"])
def test_every_proof_of_every_small_tree_holds_and_no_tampered_one_does(algorithm: str) -> None:
    other = hashlib.new(algorithm, b"other").digest()
    roots = [plain_root(algorithm, [str(i).encode() for i in range(n)]) for n in range(LARGEST + 1)]
    leaves, node = tree(algorithm, LARGEST)
    for size in range(1, LARGEST + 1):
        top = root(algorithm, size, node)
        assert top == roots[size]
        for index in range(size):
            path = inclusion(algorithm, index, size, node)
            assert verify_inclusion(algorithm, index, size, leaves[index], path, top)
            wrong = [
                (index, leaves[index], [*path, other], top),
                (index, leaves[index], path[:-1] if path else [other], top),
                (index, other, path, top),
                (index, leaves[index], path, other),
                (size, leaves[index], path, top),
            ]
            wrong += [(index, leaves[index], [*path[:at], other, *path[at + 1 :]], top) for at in range(len(path))]
            assert not any(verify_inclusion(algorithm, i, size, leaf, p, r) for i, leaf, p, r in wrong)
        for old in range(1, size + 1):
            path = consistency(algorithm, old, size, node)
            assert verify_consistency(algorithm, old, roots[old], size, top, path)
            bent = [[*path, other], path[:-1] if path else [other]]
            bent += [[*path[:at], other, *path[at + 1 :]] for at in range(len(path))]
            assert not any(verify_consistency(algorithm, old, roots[old], size, top, p) for p in bent)
            assert not verify_consistency(algorithm, old, other, size, top, path)
            assert not verify_consistency(algorithm, old, roots[old], size, other, path)
        assert not verify_consistency(algorithm, 0, roots[0], size, top, [])
        assert not verify_consistency(algorithm, size + 1, other, size, top, [other])
    assert root(algorithm, 0, node) == hashlib.new(algorithm).digest()


VECTOR = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"
PUBLIC = "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
SIGNATURE = "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"


def test_sm2_agrees_with_the_example_of_the_standard_and_with_openssl(tmp_path: Path) -> None:
    signer = Sm2Signer(VECTOR)
    assert signer.public.hex() == PUBLIC
    assert verify_sm2(signer.public, b"message digest", bytes.fromhex(SIGNATURE))
    own = signer.sign(b"message digest")
    assert verify_sm2(signer.public, b"message digest", own)
    assert own == signer.sign(b"message digest"), "the nonce comes from key and message, not from chance"
    assert own[:32] != signer.sign(b"message digest!")[:32]
    for bad in (own[:-1], own[:32] + bytes(32), bytes(32) + own[32:], own[32:] + own[:32], b"\xff" * 64):
        assert not verify_sm2(signer.public, b"message digest", bad)
    assert not verify_sm2(bytes(64), b"message digest", own)
    fresh = Sm2Signer(Sm2Signer.new_secret())
    assert verify_sm2(fresh.public, b"x" * 999, fresh.sign(b"x" * 999))
    assert not verify_sm2(fresh.public, b"x" * 999, own)
    _openssl_agrees(tmp_path, signer.public, own)


def _openssl_agrees(folder: Path, public: bytes, signature: bytes) -> None:
    program = shutil.which("openssl")
    assert program, "apt-get install openssl: SM2 is compared with it"

    def integer(number: bytes) -> bytes:
        number = number.lstrip(b"\0") or b"\0"
        number = b"\0" + number if number[0] > 127 else number
        return b"\x02" + bytes([len(number)]) + number

    both = integer(signature[:32]) + integer(signature[32:])
    (folder / "sig").write_bytes(b"\x30" + bytes([len(both)]) + both)
    head = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d03420004")
    body = base64.encodebytes(head + public).decode()
    (folder / "key.pem").write_text(f"-----BEGIN PUBLIC KEY-----\n{body}-----END PUBLIC KEY-----\n")
    (folder / "text").write_bytes(b"message digest")
    words = ["pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin", "-digest", "sm3", "-in", "text"]
    words += ["-sigfile", "sig", "-pkeyopt", "distid:1234567812345678"]
    done = subprocess.run([program, *words], cwd=folder, capture_output=True, text=True, check=False)
    assert "Verified Successfully" in done.stdout, done


def test_a_note_is_good_only_as_it_was_signed() -> None:
    plain, guomi = Ed25519Signer(Ed25519Signer.new_secret()), Sm2Signer(Sm2Signer.new_secret())
    keys: dict[Key, Signer] = {
        Key("log.example", ED25519, plain.public): plain,
        Key("log.example", SM2, guomi.public): guomi,
    }
    witness = Key("city.example", WITNESS, plain.public)
    point = Checkpoint("log.example/2026", 3, leaf_hash("sha256", b"x"))
    text = signed(point, keys)
    text += cosign(Note.parse(text), witness, plain, datetime(2026, 11, 26, 12, tzinfo=UTC))
    note = Note.parse(text)
    assert Checkpoint.parse(note.text) == point
    assert [str(Key.parse(str(key))) for key in keys] == [str(key) for key in keys]
    assert all(note.signed_by(key) for key in (*keys, witness))
    assert note.signed_by(Key("stranger", ED25519, plain.public)) is None
    bent = Note(note.text.replace("\n3\n", "\n4\n"), note.signatures)
    for key in (*keys, witness):
        with pytest.raises(ValueError, match="bad signature"):
            bent.signed_by(key)
    for wrong in (text[:-1], text.replace("—", "-"), "x\n\n", text.replace("\n\n", "\n"), text + "\n", ""):
        with pytest.raises(ValueError, match=r".*"):
            Note.parse(wrong)
    for wrong in ("a\n03\nAA==\n", "a\n3\nAA==\n", "a\n-3\n" + "A" * 43 + "=\n", note.text + "more\n", "\n3\n\n"):
        with pytest.raises(ValueError, match=r".*"):
            Checkpoint.parse(wrong)
    for wrong in ("log.example+00000000+AQ==", "log.example", str(witness).replace("city", "town"), ""):
        with pytest.raises(ValueError, match=r".*"):
            Key.parse(wrong)
    assert (hash_of_shard("a/2026"), hash_of_shard("sm3/2026"), hash_of_shard("a/2026-sm3-2")) == (
        "sha256",
        "sha256",
        "sm3",
    )


def test_a_proof_reads_as_it_was_written() -> None:
    leaf = leaf_hash("sha256", entry_of(1, "ab"))
    proof = Proof(0, (leaf, node_hash("sha256", leaf, leaf)), "log/2026\n3\nAA==\n\n— log AAAAAAA=\n")
    assert Proof.parse(str(proof)) == proof
    assert Proof.parse(str(proof).replace("\nindex", "\nextra QQ==\nindex", 1)) == proof
    for wrong in ("", str(proof).replace("index", "place"), str(proof).replace("@v1", "@v2")):
        with pytest.raises(ValueError, match="no proof"):
            Proof.parse(wrong)
