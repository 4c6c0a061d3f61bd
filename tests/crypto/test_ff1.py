"""FF1 gives the published samples of NIST SP 800-38G, whole columns give what single values give, small domains are refused."""

from __future__ import annotations

import numpy as np
import pytest

from beijiang.crypto import Ff1, Pseudonyms
from beijiang.kit import Invalid

KEY128 = "2B7E151628AED2A6ABF7158809CF4F3C"
KEY192 = "2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F"
KEY256 = "2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F7F036D6F04FC6A94"
TWEAK10, TWEAK36 = "39383736353433323130", "3737373770717273373737"
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    ("key", "radix", "tweak", "plain", "hidden"),
    [
        (KEY128, 10, "", "0123456789", "2433477484"),
        (KEY128, 10, TWEAK10, "0123456789", "6124200773"),
        (KEY128, 36, TWEAK36, "0123456789abcdefghi", "a9tv40mll9kdu509eum"),
        (KEY192, 10, "", "0123456789", "2830668132"),
        (KEY192, 10, TWEAK10, "0123456789", "2496655549"),
        (KEY192, 36, TWEAK36, "0123456789abcdefghi", "xbj3kv35jrawxv32ysr"),
        (KEY256, 10, "", "0123456789", "6657667009"),
        (KEY256, 10, TWEAK10, "0123456789", "1001623463"),
        (KEY256, 36, TWEAK36, "0123456789abcdefghi", "xs8a0azh2avyalyzuwd"),
    ],
)
def test_samples_of_the_standard(key: str, radix: int, tweak: str, plain: str, hidden: str) -> None:
    ff1 = Ff1(bytes.fromhex(key), bytes.fromhex(tweak), cipher="aes")
    numerals = [DIGITS.index(letter) for letter in plain]
    found = ff1.encrypt(numerals, radix)
    assert "".join(DIGITS[numeral] for numeral in found) == hidden
    assert ff1.decrypt(found, radix) == numerals


@pytest.mark.parametrize("digits", [6, 7, 8, 11, 18])
@pytest.mark.parametrize("tweak", [b"", "人口库/公民身份号码".encode(), b"x" * 16])
def test_a_column_is_encrypted_as_its_values_are(digits: int, tweak: bytes) -> None:
    ff1 = Ff1(b"k" * 16, tweak)
    numbers = np.array([0, 1, 10**digits - 1, *np.random.default_rng(1).integers(0, 10**digits, 200)], np.int64)
    found = ff1.encrypt_column(numbers, digits)
    for number, made in zip(numbers.tolist(), found.tolist(), strict=True):
        single = ff1.encrypt([int(digit) for digit in f"{number:0{digits}d}"])
        assert f"{made:0{digits}d}" == "".join(map(str, single))


def test_a_small_domain_is_refused() -> None:
    ff1 = Ff1(b"k" * 16, b"")
    for attempt in (lambda: ff1.encrypt([1, 2, 3, 4, 5]), lambda: ff1.encrypt_column(np.array([1]), 5)):
        with pytest.raises(Invalid) as told:
            attempt()
        assert told.value.reason == "domain_too_small"


def test_pseudonyms_are_hmac_sm3() -> None:
    key = bytes.fromhex("0123456789abcdeffedcba9876543210")
    made = Pseudonyms(key)
    assert made.tokens(["abc"]) == ["28d8a61be67d8bf7652c4eda7092b612"], "`standards.md` 13.4"
    assert made.numbers(["abc"]) == [0x28D8A61BE67D8BF7]
    assert made.tokens(["张三", "", "张三" * 100])[0] != Pseudonyms(b"x" * 32).tokens(["张三"])[0]
