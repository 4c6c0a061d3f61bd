"""Verify receipts, checkpoints and proofs of an evidence log, offline: one file that runs alone.

It needs Python 3.11, and ``cryptography`` for Ed25519 only; copy it to the machine that shall judge: ``python verifier.py RECEIPT
--key KEY``. Trees and proofs after RFC 9162, notes after C2SP signed-note, tlog-checkpoint, tlog-cosignature and tlog-proof;
SM2 with SM3 after GB/T 32918.2 and GB/T 32905.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

__all__ = [
    "ED25519",
    "HASH_BYTES",
    "SM2",
    "WITNESS",
    "Checkpoint",
    "Finding",
    "Key",
    "Note",
    "Opened",
    "Proof",
    "Trust",
    "commitment_of",
    "entry_of",
    "examine",
    "examine_file",
    "hash_of_shard",
    "leaf_hash",
    "node_hash",
    "verify_consistency",
    "verify_inclusion",
    "verify_sm2",
]

FORMAT: Final = "beijiang-receipt/1"
HANDOVER: Final = "beijiang-key-handover/1"
KIND: Final = "beijiang-evidence/1"
PROOF_FORMAT: Final = "c2sp.org/tlog-proof@v1"
HASH_BYTES: Final = 32
KEY_ID_BYTES: Final = 4
MOST_SIGNATURES: Final = 64
MOST_SIZE: Final = 1 << 63

ED25519: Final = b"\x01"
WITNESS: Final = b"\x04"
SM2: Final = b"\xffbeijiang/sm2"
"""Types of keys: what a key signs (a log, as a witness), and how. The last is of the kind that everybody may make."""


# Trees


def hash_of_shard(origin: str) -> str:
    """Return the algorithm of a shard: its name says so (``…/2026-sm3``), and the name is signed."""
    return "sm3" if "sm3" in origin.rpartition("/")[2].split("-") else "sha256"


def leaf_hash(algorithm: str, data: bytes) -> bytes:
    """Return H(00 ‖ data)."""
    return hashlib.new(algorithm, b"\x00" + data).digest()


def node_hash(algorithm: str, left: bytes, right: bytes) -> bytes:
    """Return H(01 ‖ left ‖ right)."""
    return hashlib.new(algorithm, b"\x01" + left + right).digest()


def verify_inclusion(algorithm: str, index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes) -> bool:
    """Tell whether a leaf stands at ``index`` of the tree of ``size`` leaves and ``root`` (RFC 9162 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, made = index, size - 1, leaf
    for other in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            made = node_hash(algorithm, other, made)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            made = node_hash(algorithm, made, other)
        place, last = place >> 1, last >> 1
    return last == 0 and made == root


def verify_consistency(
    algorithm: str, old: int, old_root: bytes, size: int, root: bytes, path: Sequence[bytes]
) -> bool:
    """Tell whether the tree of ``size`` begins with all that the ``old`` one held (RFC 9162 2.1.4.2)."""
    if old == size:
        return not path and old_root == root
    if not 0 < old < size or not path:
        return False
    rest = list(path)
    if old & (old - 1) == 0:
        rest.insert(0, old_root)
    place, last = old - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = rest[0]
    for other in rest[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            before, after = node_hash(algorithm, other, before), node_hash(algorithm, other, after)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            after = node_hash(algorithm, after, other)
        place, last = place >> 1, last >> 1
    return last == 0 and before == old_root and after == root


def commitment_of(salt: str, body: str) -> str:
    """Return SHA-256 over ``00 ‖ salt (32 hex characters as text) ‖ body``: all that the tree knows of a record."""
    return hashlib.sha256(b"\x00" + salt.encode() + body.encode()).hexdigest()


def entry_of(sequence: int, commitment: str) -> bytes:
    """Return the leaf of a record: no word of its text, so that text and salt can be erased and the proofs still hold."""
    facts = {"commitment": commitment, "kind": KIND, "sequence": sequence}
    return json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()


# Notes


@dataclass(frozen=True, slots=True)
class Key:
    """A public key that signs notes: ``name+id+base64`` (C2SP signed-note)."""

    name: str
    kind: bytes
    public: bytes

    @classmethod
    def parse(cls, text: str) -> Key:
        """Read a verifier key.

        Raises:
            ValueError: it is none, or its id is not its own.

        """
        name, _, rest = text.strip().partition("+")
        told, _, encoded = rest.partition("+")
        raw = _decoded(encoded)
        kind = next((kind for kind in (SM2, ED25519, WITNESS) if raw.startswith(kind)), b"")
        made = cls(name, kind, raw[len(kind) :])
        if not kind or not name or made.id.hex() != told or len(made.public) != (64 if kind == SM2 else 32):
            msg = "no verifier key"
            raise ValueError(msg)
        return made

    @property
    def id(self) -> bytes:
        """Return the first four bytes of SHA-256 over name, line end, type and public key."""
        return hashlib.sha256(self.name.encode() + b"\n" + self.kind + self.public).digest()[:KEY_ID_BYTES]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(self.kind + self.public).decode()}"

    def fits(self, text: str, signature: bytes) -> bool:
        """Tell whether a signature of this key is good for the text of a note."""
        if self.kind == SM2:
            return verify_sm2(self.public, text.encode(), signature)
        if self.kind == WITNESS:
            at = int.from_bytes(signature[:8], "big")
            return verify_ed25519(self.public, cosigned(text, at), signature[8:])
        return verify_ed25519(self.public, text.encode(), signature)


def cosigned(text: str, at: int) -> bytes:
    """Return what a witness signs: when (seconds since 1970) it saw which checkpoint."""
    return f"cosignature/v1\ntime {at}\n{text}".encode()


@dataclass(frozen=True, slots=True)
class Note:
    """A text and the signatures below it, as (name, key id, signature)."""

    text: str
    signatures: tuple[tuple[str, bytes, bytes], ...]

    @classmethod
    def parse(cls, note: str) -> Note:
        """Read a note.

        Raises:
            ValueError: it has not the form of one.

        """
        text, middle, below = note.rpartition("\n\n")
        lines = below.split("\n")
        if not middle or lines.pop() != "" or not 0 < len(lines) <= MOST_SIGNATURES:
            msg = "no note"
            raise ValueError(msg)
        return cls(text + "\n", tuple(map(_signature, lines)))

    def signed_by(self, key: Key) -> bytes | None:
        """Return the good signature of a key; None when it did not sign.

        Raises:
            ValueError: the key is named and its signature is not good, so nothing of the note is.

        """
        good = None
        for name, key_id, signature in self.signatures:
            if name == key.name and key_id == key.id:
                if not key.fits(self.text, signature):
                    msg = "bad signature"
                    raise ValueError(msg)
                good = signature
        return good


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How large a log was, and the root of its tree."""

    origin: str
    size: int
    root: bytes

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read the text of a checkpoint: origin, size, root, nothing else.

        Raises:
            ValueError: it has not the form of one.

        """
        origin, size, root, end = text.split("\n")
        if end or not origin or not size.isascii() or not size.isdecimal() or size != str(int(size[:20])):
            msg = "no checkpoint"
            raise ValueError(msg)
        made = cls(origin, int(size), _decoded(root))
        if len(made.root) != HASH_BYTES or made.size >= MOST_SIZE:
            msg = "no checkpoint"
            raise ValueError(msg)
        return made

    @property
    def text(self) -> str:
        """Return what is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


@dataclass(frozen=True, slots=True)
class Proof:
    """Where a leaf stands in the tree of a checkpoint (C2SP tlog-proof)."""

    index: int
    path: tuple[bytes, ...]
    note: str

    @classmethod
    def parse(cls, text: str) -> Proof:
        """Read a proof.

        Raises:
            ValueError: it has not the form of one.

        """
        head, middle, note = text.partition("\n\n")
        first, *lines = head.split("\n")
        lines = lines[1:] if lines and lines[0].startswith("extra ") else lines
        if first != PROOF_FORMAT or not middle or not lines or not lines[0].startswith("index "):
            msg = "no proof"
            raise ValueError(msg)
        return cls(int(lines[0][6:26]), tuple(map(_decoded, lines[1:])), note)

    def __str__(self) -> str:
        lines = [PROOF_FORMAT, f"index {self.index}", *(base64.b64encode(one).decode() for one in self.path)]
        return "\n".join(lines) + "\n\n" + self.note


def _signature(line: str) -> tuple[str, bytes, bytes]:
    dash, name, encoded = line.split(" ")
    raw = _decoded(encoded)
    if dash != "—" or not name or len(raw) <= KEY_ID_BYTES:
        msg = "no signature"
        raise ValueError(msg)
    return name, raw[:KEY_ID_BYTES], raw[KEY_ID_BYTES:]


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None


# Signatures


def verify_ed25519(public: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether an Ed25519 signature is good (RFC 8032)."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


P: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A: Final = P - 3
B: Final = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
G: Final = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
SIGNER: Final = b"1234567812345678"
"""The curve and the signer id of GB/T 32918.5 and GM/T 0009."""


def sm2_digest(public: bytes, message: bytes) -> int:
    """Return e = SM3(Z ‖ message), where Z binds signer id, curve and public key (GB/T 32918.2 6.1)."""
    curve = b"".join(number.to_bytes(32, "big") for number in (A, B, *G))
    z = hashlib.new("sm3", (len(SIGNER) * 8).to_bytes(2, "big") + SIGNER + curve + public).digest()
    return int.from_bytes(hashlib.new("sm3", z + message).digest(), "big")


def verify_sm2(public: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether an SM2 signature, r ‖ s, is good for a public key, x ‖ y (GB/T 32918.2 7.1)."""
    x, y = int.from_bytes(public[:32], "big"), int.from_bytes(public[32:], "big")
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    on_curve = x < P and y < P and (y * y - (x * x * x + A * x + B)) % P == 0
    t = (r + s) % N
    if len(signature) != 2 * HASH_BYTES or not on_curve or not 0 < r < N or not 0 < s < N or t == 0:
        return False
    found = _sum(_times(s, G), _times(t, (x, y)))
    return found is not None and (sm2_digest(public, message) + found[0]) % N == r


def _sum(left: tuple[int, int] | None, right: tuple[int, int] | None) -> tuple[int, int] | None:
    if left is None or right is None:
        return left or right
    if left[0] == right[0]:
        if (left[1] + right[1]) % P == 0:
            return None
        slope = (3 * left[0] * left[0] + A) * pow(2 * left[1], -1, P) % P
    else:
        slope = (right[1] - left[1]) * pow(right[0] - left[0], -1, P) % P
    x = (slope * slope - left[0] - right[0]) % P
    return x, (slope * (left[0] - x) - left[1]) % P


def _times(number: int, point: tuple[int, int] | None) -> tuple[int, int] | None:
    made = None
    while number:
        if number & 1:
            made = _sum(made, point)
        point, number = _sum(point, point), number >> 1
    return made


# Receipts


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: proved, refuted, or (None) left open."""

    ok: bool | None
    zh: str
    en: str


@dataclass(slots=True)
class Opened:
    """What an examination of a receipt found."""

    findings: list[Finding] = field(default_factory=list)
    record: dict[str, Any] | None = None

    @property
    def ok(self) -> bool:
        """Tell whether nothing was refuted, and something proved."""
        return all(f.ok is not False for f in self.findings) and any(f.ok for f in self.findings)

    def say(self, ok: bool | None, zh: str, en: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(ok, zh, en))

    def judge(self, ok: bool, good: tuple[str, str], bad: tuple[str, str]) -> None:
        """Add a finding in the words that fit it."""
        self.say(ok, *(good if ok else bad))


@dataclass(frozen=True, slots=True)
class Trust:
    """What a receipt is held against, from another hand than the receipt itself."""

    keys: tuple[Key, ...] = ()
    quorum: int = 0
    """Witnesses among the keys that must have cosigned."""
    checkpoint: str = ""
    request: str = ""
    response: bytes | None = None
    handovers: tuple[str, ...] = ()
    """Notes by which a log named the key that follows one of ``keys``."""

    def with_successors(self) -> Trust:
        """Trust the keys too that trusted ones named to follow, in any order of the notes; of two that one key named, neither."""
        keys = list(self.keys)
        for key in keys:  # which grows: a successor may have one
            if len(named := {one for note in self.handovers if (one := successor(note, key))}) == 1:
                keys += named.difference(keys)
        return replace(self, keys=tuple(keys))


def successor(note: str, trusted: Key) -> Key | None:
    """Return the key, of the same log or witness, that a trusted one named to follow; None unless both signed the note."""
    try:
        opened = Note.parse(note)
        word, old, new, *_ = opened.text.split("\n")
        key = Key.parse(new)
        same = old == str(trusted) and key.name == trusted.name and (key.kind == WITNESS) == (trusted.kind == WITNESS)
        return key if word == HANDOVER and same and opened.signed_by(trusted) and opened.signed_by(key) else None
    except ValueError:
        return None


def examine(receipt: dict[str, Any], against: Trust) -> Opened:
    """Hold a receipt against what is known; nothing that the receipt says about itself counts as proof."""
    found, against = Opened(), against.with_successors()
    try:
        if receipt["format"] != FORMAT or not receipt["records"]:
            raise ValueError(FORMAT)  # noqa: TRY301 - told like everything else that is no receipt
        for at, part in enumerate(receipt["records"]):
            _examine_part(found, str(receipt["id"]), part, against, first=at == 0)
        _examine_content(found, receipt["records"], against)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        found.say(False, f"这不是回执，或已损坏（{error}）。", f"This is no receipt, or it is damaged ({error}).")
    return found


def _examine_part(found: Opened, receipt_id: str, part: dict[str, Any], against: Trust, *, first: bool) -> None:
    """Prove that one record of the receipt stands in the log."""
    body, salt = part.get("body"), part.get("salt")
    number, commitment = part["sequence"], part["commitment"]
    zh, en = f"第 {number} 条记录", f"Record {number}"
    if body is None or salt is None:
        found.say(
            None,
            f"{zh}的内容已依法删除，只能证明曾有此记录。",
            f"{en}: its text was erased; only that it was is proved.",
        )
    else:
        facts = json.loads(body)
        about = facts["id"] if first else facts["detail"]["receipt"]
        found.judge(
            commitment_of(salt, body) == commitment and facts["sequence"] == number and about == receipt_id,
            (f"{zh}的内容与其摘要相符。", f"{en}: its text is what was committed to."),
            (f"{zh}的内容被改动，或属于另一张回执。", f"{en}: its text was changed, or is of another receipt."),
        )
        found.record = facts if first else found.record
    proof = Proof.parse(part["proof"])
    note = Note.parse(proof.note)
    point = Checkpoint.parse(note.text)
    algorithm = hash_of_shard(point.origin)
    leaf = leaf_hash(algorithm, entry_of(number, commitment))
    found.judge(
        verify_inclusion(algorithm, proof.index, point.size, leaf, proof.path, point.root),
        (
            f"{zh}在日志 {point.origin} 的前 {point.size:,} 条之中。",
            f"{en} is among the first {point.size:,} of {point.origin}.",
        ),
        (f"{zh}的存在证明不成立。", f"{en}: its proof does not hold."),
    )
    _examine_note(found, note, point, against)


def _examine_note(found: Opened, note: Note, point: Checkpoint, against: Trust) -> None:
    """Look who vouches for a checkpoint: the log's own key, witnesses, a checkpoint from elsewhere."""
    by_log, witnesses = 0, set()
    for key in against.keys:
        try:
            signature = note.signed_by(key)
        except ValueError:
            found.say(False, f"{key.name} 的签名无效。", f"The signature of {key.name} is not good.")
            continue
        if signature is not None and key.kind == WITNESS:
            at = datetime.fromtimestamp(int.from_bytes(signature[:8], "big"), UTC)
            witnesses.add(key.name)  # a key and the one that follows it are one witness
            found.say(True, f"见证方 {key.name} 于 {at} 见过此检查点。", f"Witness {key.name} saw it at {at}.")
        elif signature is not None and point.origin.startswith(f"{key.name}/"):
            by_log += 1
            found.say(True, f"检查点由 {key.name} 签名。", f"The checkpoint is signed by {key.name}.")
    if not by_log and (against.keys or not against.checkpoint):
        found.say(
            False,
            "检查点没有所信任的日志签名，请给出日志的公钥（--key）或另行取得的检查点（--checkpoint）。",
            "No trusted key of the log signed the checkpoint; give its key (--key), or a checkpoint from elsewhere (--checkpoint).",
        )
    if len(witnesses) < against.quorum:
        found.say(
            False,
            f"需要 {against.quorum} 个见证方，只有 {len(witnesses)} 个。",
            f"{against.quorum} witnesses are asked for, {len(witnesses)} signed.",
        )
    elif not witnesses and not against.checkpoint:
        found.say(
            None,
            "没有见证方：只证明签名方说过如此，不排除对他人另有一套日志。",
            "No witness: it is proved that the signer said so, not that everybody is shown the same log.",
        )
    if against.checkpoint:
        _examine_other(found, point, against)


def _examine_other(found: Opened, point: Checkpoint, against: Trust) -> None:
    """Compare with a checkpoint that came another way; it counts only as far as a trusted key signed it."""
    note = Note.parse(against.checkpoint)
    other = Checkpoint.parse(note.text)
    signed = [note.signed_by(key) for key in against.keys]
    if signed and not any(signed):
        found.say(False, "所给检查点没有可信签名。", "No trusted key signed the checkpoint given.")
    elif (other.origin, other.size) != (point.origin, point.size):
        found.say(
            False,
            f"所给检查点属于 {other.origin}，{other.size:,} 条；请按该条数重新取回执。",
            f"The checkpoint given is of {other.origin}, {other.size:,} records; fetch the receipt for that size.",
        )
    else:
        found.judge(
            other.root == point.root,
            ("与所给检查点一致。", "It agrees with the checkpoint given."),
            ("与所给检查点不一致：日志有两个版本。", "It contradicts the checkpoint given: there are two logs."),
        )


def _examine_content(found: Opened, parts: Sequence[dict[str, Any]], against: Trust) -> None:
    """Compare what was asked and received with the digests in the records."""
    told = [json.loads(part["body"])["detail"] for part in parts[1:] if part.get("body")]
    given = {"request": against.request.encode() or None, "response": against.response}
    for name, (zh, en) in {"request": ("请求", "request"), "response": ("收到的文件", "file received")}.items():
        noted, content = " ".join(str(one[name]) for one in told if name in one), given[name]
        if content is not None:
            found.judge(
                hashlib.sha256(content).hexdigest() in noted,
                (f"{zh}与记录相符。", f"The {en} is the one recorded."),
                (f"{zh}与记录不符，或没有记录。", f"The {en} is not the one recorded, or none was."),
            )
        elif noted:
            found.say(None, f"记录含{zh}的摘要，未核对。", f"The digest of the {en} is recorded; it was not compared.")


def examine_file(path: Path, against: Trust) -> Opened:
    """Examine a receipt in a file; a file that is no JSON is refuted, not an error."""
    try:
        receipt = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        receipt = {}
    return examine(receipt, against)


def main(arguments: Sequence[str] | None = None, out: Callable[[str], object] = print) -> int:
    """Judge a receipt; return 0 when it is proved, 1 when it is not."""
    asked = argparse.ArgumentParser(description="Verify a receipt of an evidence log, offline.")
    asked.add_argument("receipt", type=Path)
    asked.add_argument("--key", action="append", default=[], help="trusted key of the log or of a witness (repeat)")
    asked.add_argument("--handover", action="append", default=[], type=Path, help="note of a key that follows (repeat)")
    asked.add_argument("--checkpoint", type=Path, help="checkpoint that came another way")
    asked.add_argument("--quorum", type=int, default=0, help="witnesses that must have signed")
    asked.add_argument("--request", default="", help="what was asked: GET /path?query")
    asked.add_argument("--response", type=Path, help="the file that was received")
    asked.add_argument("--salt", default="", help="what came with the answer to a verification, a count or a service")
    given = asked.parse_args(arguments)
    salt = f"{given.salt}\n" if given.salt else ""  # goes before both, with a line break
    against = Trust(
        keys=tuple(map(Key.parse, given.key)),
        quorum=given.quorum,
        checkpoint=given.checkpoint.read_text(encoding="utf-8") if given.checkpoint else "",
        request=given.request and salt + given.request,
        response=salt.encode() + given.response.read_bytes() if given.response else None,
        handovers=tuple(path.read_text(encoding="utf-8") for path in given.handover),
    )
    for one in (found := examine_file(given.receipt, against)).findings:
        out(f"{ {True: '✓', False: '✗', None: '?'}[one.ok] } {one.zh} {one.en}")
    return 0 if found.ok else 1


if __name__ == "__main__":
    sys.exit(main())
