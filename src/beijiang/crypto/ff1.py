"""Format-preserving encryption FF1 (NIST SP 800-38G) over decimal numbers; FF3 and FF3-1 are withdrawn and not offered.

The block cipher is SM4 (GB/T 32907); AES serves the published vectors. One method follows the standard numeral by numeral,
the other does the same for whole columns: ten calls of the cipher, however many values there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beijiang.kit import Invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

__all__ = ["Ff1"]

SMALLEST: Final = 1_000_000
"""Values of a domain at least (SP 800-38G Rev. 1); of a smaller one all values can be tried."""
_BLOCK: Final = 16
_ROUNDS: Final = 10
_COLUMN_DIGITS: Final = 18
"""Decimal digits that fit the whole numbers of a column."""


class Ff1:
    """Encrypt numerals of one key and one tweak."""

    def __init__(self, key: bytes, tweak: bytes, *, cipher: str = "sm4") -> None:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        algorithm = {"sm4": algorithms.SM4, "aes": algorithms.AES}[cipher](key)
        self._cipher = Cipher(algorithm, modes.ECB())  # noqa: S305 - one block at a time is what FF1 builds on
        self._tweak = tweak

    def encrypt(self, numerals: Sequence[int], radix: int = 10) -> list[int]:
        """Return the encrypted numerals, as many as were given.

        Raises:
            Invalid: the domain is too small (``domain_too_small``).

        """
        return self._run(numerals, radix, range(_ROUNDS), forward=True)

    def decrypt(self, numerals: Sequence[int], radix: int = 10) -> list[int]:
        """Return the numerals that ``encrypt`` was given."""
        return self._run(numerals, radix, range(_ROUNDS - 1, -1, -1), forward=False)

    def encrypt_column(self, numbers: npt.NDArray[np.int64], digits: int) -> npt.NDArray[np.int64]:
        """Return decimal numbers of a fixed number of digits, encrypted as ``encrypt`` does.

        Raises:
            Invalid: the domain is too small (``domain_too_small``).
            ValueError: more than 18 digits.

        """
        import numpy as np

        _big_enough(10, digits)
        if digits > _COLUMN_DIGITS:
            msg = "a column has 18 digits at most"
            raise ValueError(msg)
        left = digits // 2
        widths = (left, digits - left)
        size, taken = _sizes(10, widths[1])
        front, head = self._front(10, digits, left, size)
        a, b = (part.astype(np.uint64) for part in np.divmod(numbers, 10 ** widths[1]))
        for i in range(_ROUNDS):
            blocks = np.tile(np.frombuffer(head, np.uint8), (len(numbers), 1))
            blocks[:, -size - 1] = i
            blocks[:, -size:] = b.astype(">u8").view(np.uint8).reshape(-1, 8)[:, 8 - size :]
            blocks ^= np.frombuffer(front, np.uint8)
            answer = np.frombuffer(self._ecb(blocks.tobytes()), np.uint8).reshape(-1, _BLOCK)[:, :taken]
            modulus = np.uint64(10 ** widths[i % 2])
            total = np.zeros(len(numbers), np.uint64)
            for byte in answer.T:
                total = (total * np.uint64(256) + byte) % modulus
            a, b = b, (a + total) % modulus
        made: npt.NDArray[np.int64] = a.astype(np.int64) * 10 ** widths[1] + b.astype(np.int64)
        return made

    def _run(self, numerals: Sequence[int], radix: int, rounds: Sequence[int], *, forward: bool) -> list[int]:
        n = len(numerals)
        _big_enough(radix, n)
        u = n // 2
        v = n - u
        size, taken = _sizes(radix, v)
        front, head = self._front(radix, n, u, size)
        a, b = _number(numerals[:u], radix), _number(numerals[u:], radix)
        for i in rounds:
            known = b if forward else a
            block = head[: -size - 1] + bytes([i]) + known.to_bytes(size, "big")
            y = int.from_bytes(self._stretched(front, block, taken), "big")
            modulus = radix ** (u if i % 2 == 0 else v)
            a, b = (b, (a + y) % modulus) if forward else ((b - y) % modulus, a)
        return [*_numerals(a, radix, u), *_numerals(b, radix, v)]

    def _front(self, radix: int, n: int, u: int, size: int) -> tuple[bytes, bytes]:
        """Return the state behind all blocks that no value changes, and the last block or blocks, to be filled in."""
        fixed = bytes([1, 2, 1]) + radix.to_bytes(3, "big") + bytes([10, u % 256])
        fixed += n.to_bytes(4, "big") + len(self._tweak).to_bytes(4, "big")
        q = self._tweak + bytes((-len(self._tweak) - size - 1) % _BLOCK) + bytes(1 + size)
        tail = -(-(size + 1) // _BLOCK) * _BLOCK
        state = bytes(_BLOCK)
        whole = fixed + q[:-tail]
        for start in range(0, len(whole), _BLOCK):
            state = self._ecb(_xor(state, whole[start : start + _BLOCK]))
        return state, q[-tail:]

    def _stretched(self, state: bytes, last: bytes, taken: int) -> bytes:
        for start in range(0, len(last), _BLOCK):
            state = self._ecb(_xor(state, last[start : start + _BLOCK]))
        more = [self._ecb(_xor(state, j.to_bytes(_BLOCK, "big"))) for j in range(1, -(-taken // _BLOCK))]
        return b"".join([state, *more])[:taken]

    def _ecb(self, blocks: bytes) -> bytes:
        return self._cipher.encryptor().update(blocks)


def _sizes(radix: int, v: int) -> tuple[int, int]:
    """Return the bytes of half a value (b of the standard), and those taken of each round's answer (d)."""
    size = -(-(radix**v - 1).bit_length() // 8)
    return size, 4 * -(-size // 4) + 4


def _big_enough(radix: int, length: int) -> None:
    if radix**length < SMALLEST:
        raise Invalid(
            f"取值只有 {radix**length:,} 种，少于 {SMALLEST:,} 种，加密后可被逐一试出。请改用假名。",
            f"There are only {radix**length:,} values, fewer than {SMALLEST:,}; all can be tried. Use a pseudonym instead.",
            code="domain_too_small",
        )


def _xor(first: bytes, second: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(first, second, strict=True))


def _number(numerals: Sequence[int], radix: int) -> int:
    total = 0
    for numeral in numerals:
        total = total * radix + numeral
    return total


def _numerals(number: int, radix: int, length: int) -> list[int]:
    made = []
    for _ in range(length):
        number, numeral = divmod(number, radix)
        made.append(numeral)
    return made[::-1]
