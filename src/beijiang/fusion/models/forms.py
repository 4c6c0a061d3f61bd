"""Forms of a value by which records are compared and picked: names, sounds, numbers and places put right.

Each form is a column ``field__form``, made once for each record and never for a pair. Expressions are those that every
engine has; lengths and cuts count characters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Final, TypeAlias

from sqlglot import exp

from beijiang.engine.checksums import CHECKSUMS, PARTS, citizen_check, full_match
from beijiang.fusion.models.layers import Layers, LookUp, cell, cut, is_null, literal, long, number
from beijiang.fusion.models.matching import Likeness, form
from beijiang.fusion.models.words import CHARACTERS, PLACES, SURNAMES, column_of, traditional, usual_characters
from beijiang.recipes import BLANKS, Places, any_of, credit_code, narrowed, replaced, swapped

__all__ = ["MAKERS", "SOUNDED"]

Maker: TypeAlias = Callable[[Layers, str, Places], None]

SOUNDED: Final = 10
"""Characters of a name that are read aloud; what follows is left."""
_LONG_NAME: Final = 4
"""From so many characters on, a name without a compound surname is one of a nationality whose names are transcribed."""
_DOTS: Final = "·•‧・．.∙⋅●‒᠂"
_NOTHING: Final = ("", "无", "空", "NULL", "NONE", "N/A", "/", "-", "--", "不详", "未知", "暂无", "未填写", "无名氏")
_MOBILE: Final = "1[3-9][0-9]{9}"
_DAY: Final = "[0-9]{4}[-/.][0-9]{2}[-/.][0-9]{2}"
_NO_DAYS: Final = ("19000101", "00010101", "99991231")
"""Days that stand for none."""
_NUMERALS: Final = ("〇零一二两三四五六七八九", "001223456789")


def _named(field: str, shape: str) -> exp.Column:
    return cell(form(f"{field}.{shape}"))


def _put(layers: Layers, field: str, made: Mapping[str, exp.Expr]) -> None:
    layers.put({form(f"{field}.{shape}"): value for shape, value in made.items()})


def _plain(layers: Layers, field: str, without: str = BLANKS) -> exp.Expr:
    """Return a value in half width, capitals and simplified characters, without some signs; NULL where nothing is told.

    Most values are so already; one look at each spares them the rest.
    """
    value, (old, new) = cell(field), traditional()
    text = exp.Upper(this=replaced(narrowed(value), f"[{without}]+", ""))
    clean = full_match(value, f"[0-9A-Z{usual_characters()}]+")
    put_right = layers.keep(exp.Case().when(clean, value.copy()).else_(swapped(text, old, new)))
    told = exp.not_(exp.In(this=put_right.copy(), expressions=[literal(word) for word in _NOTHING]))
    return exp.Case().when(told, put_right.copy())


def _filled(value: exp.Expr) -> exp.Expr:
    return exp.Nullif(this=value, expression=literal(""))


def _found(value: exp.Expr, pattern: str, group: int = 0) -> exp.Expr:
    """Return what a pattern finds first; NULL where it finds nothing."""
    return _filled(exp.RegexpExtract(this=value.copy(), expression=literal(pattern), group=number(group)))


def _joined(parts: Sequence[exp.Expr]) -> exp.Expr:
    return exp.Concat(expressions=list(parts), safe=True)


def _ends(text: exp.Expr, length: int) -> dict[str, exp.Expr]:
    """Return both ends of a text: of two that are one slip apart, the one end or the other is the same."""
    start = exp.Greatest(this=exp.Sub(this=long(text), expression=number(length - 1)), expressions=[number(1)])
    return {"head": cut(text, 1, length), "rear": exp.Substring(this=text.copy(), start=start, length=number(length))}


def _halves(text: exp.Expr) -> dict[str, exp.Expr]:
    """Return both halves of a text: of two that differ in one character, the one half or the other is the same."""
    half = exp.IntDiv(this=long(text), expression=number(2))
    after = exp.Add(this=half.copy(), expression=number(1))
    rest = exp.Substring(this=text.copy(), start=after, length=long(text))
    return {"head": exp.Substring(this=text.copy(), start=number(1), length=half), "rear": rest}


def _letters(layers: Layers, text: exp.Expr, prefix: str, *, count: int, fold: bool) -> None:
    """Look up the sounds of the first characters of a text: columns ``<prefix>s1``, ``<prefix>s2``, and so on."""
    layers.look_up(
        [
            LookUp(
                CHARACTERS,
                "letter",
                cut(text, place, 1),
                {"sound": f"{prefix}s{place}"} | ({"fold": f"{prefix}f{place}"} if fold else {}),
            )
            for place in range(1, count + 1)
        ]
    )


def _syllables(text: exp.Expr, prefix: str, places: Sequence[int]) -> list[exp.Expr]:
    """Return the looked-up sounds, each behind a blank, ``?`` for characters that have none: letters of ASCII only."""
    found: list[exp.Expr] = []
    for place in places:
        there = exp.GTE(this=long(text), expression=number(place))
        heard = exp.Coalesce(this=cell(f"{prefix}{place}"), expressions=[literal("?")])
        found.append(exp.Case().when(there, _joined([literal(" "), heard])).else_(literal("")))
    return found


def person_name(layers: Layers, field: str, places: Places) -> None:
    """Read a person's name: without dots and blanks, its surname read as surnames are (单 shan, 尉迟 yu chi)."""
    del places
    _put(layers, field, {"plain": _plain(layers, field, f"{BLANKS}{_DOTS}")})
    plain, mark = _named(field, "plain"), f"bj_{field}_"
    layers.look_up(
        [
            LookUp(SURNAMES, "surname", cut(plain, 1, 1), {"sound": f"{mark}one"}),
            LookUp(SURNAMES, "surname", cut(plain, 1, 2), {"sound": f"{mark}two"}),
        ]
    )
    _letters(layers, plain, mark, count=SOUNDED, fold=True)
    compound = exp.not_(is_null(cell(f"{mark}two")))
    words = any_of(column_of("mongolian_names"))
    many = exp.GTE(this=long(plain), expression=number(_LONG_NAME))
    transcribed = exp.and_(
        exp.not_(compound), exp.or_(many, exp.RegexpLike(this=plain.copy(), expression=literal(words)))
    )
    latin = exp.RegexpLike(this=plain.copy(), expression=literal("[A-Z]"))
    layers.put({f"{mark}long": exp.and_(transcribed, exp.not_(latin))})
    is_long = cell(f"{mark}long")
    first = (
        exp.Case()
        .when(compound.copy(), _joined([literal(" "), cell(f"{mark}two")]))
        .when(exp.or_(is_long, is_null(cell(f"{mark}one"))), _joined(_syllables(plain, f"{mark}s", (1, 2))))
        .else_(_joined([literal(" "), cell(f"{mark}one"), *_syllables(plain, f"{mark}s", (2,))]))
    )
    rest = _syllables(plain, f"{mark}s", range(3, SOUNDED + 1))
    folded = _syllables(plain, f"{mark}f", range(1, SOUNDED + 1))
    given = exp.Case().when(compound.copy(), cut(plain, 3)).when(is_long.copy(), plain.copy()).else_(cut(plain, 2))
    told = exp.not_(is_null(plain))
    _put(
        layers,
        field,
        {
            "sound": exp.Case().when(told, _joined([first, *rest])),
            "given": _filled(given),
            **_halves(plain),
            "fold": exp.Case().when(exp.and_(told.copy(), is_long.copy()), replaced(_joined(folded), "[ ?]+", "")),
        },
    )


def company_name(layers: Layers, field: str, places: Places) -> None:
    """Read an organisation's name: ``core`` is without region and legal form, ``trade`` also without words of industries.

    A name has by law the parts region, trade name, industry and legal form (《企业名称登记管理规定》, article 6).
    """
    plain, mark = _plain(layers, field, f"{BLANKS}{_DOTS},，。、;；:：\"'“”‘’"), f"bj_{field}_"
    text = layers.keep(swapped(plain, "〔〕[]【】", "()()()"))
    cities, counties = list(places.cities), list(places.counties)
    region = f"(?:中国|内蒙古自治区|内蒙古|{any_of(cities)}|{any_of(counties)})"
    inner = layers.keep(replaced(text, f"\\({region}市?\\)", ""))
    bare = layers.keep(replaced(inner, f"^{region}+[市盟旗县区]?", ""))
    forms = any_of(column_of("legal_forms"))
    core = layers.keep(replaced(replaced(bare, f"(?:{forms})+\\z", ""), "[()]+", ""))
    kept = exp.Case().when(exp.GTE(this=long(core), expression=number(2)), core.copy())
    whole = replaced(text, "[()]+", "")
    core_text = layers.keep(exp.Coalesce(this=kept, expressions=[whole.copy()]))
    trade = layers.keep(replaced(core_text, f"(?:{any_of(column_of('industries'))})+\\z", ""))
    two = exp.GTE(this=long(trade), expression=number(2))
    _put(
        layers,
        field,
        {
            "plain": whole,
            "core": core_text.copy(),
            "trade": exp.Case().when(two, trade.copy()).else_(core_text.copy()),
        },
    )
    layers.look_up(
        [
            LookUp(PLACES, "word", _found(text, any_of(cities)), {"code": f"{mark}city"}),
            LookUp(PLACES, "word", _found(text, any_of(counties)), {"code": f"{mark}county"}),
        ]
    )
    layers.put(
        {form(f"{field}.city"): cut(exp.Coalesce(this=cell(f"{mark}city"), expressions=[cell(f"{mark}county")]), 1, 4)}
    )
    core_cell = _named(field, "core")
    _letters(layers, core_cell, mark, count=SOUNDED, fold=False)
    heard = _joined(_syllables(core_cell, f"{mark}s", range(1, SOUNDED + 1)))
    _put(layers, field, {"sound": exp.Case().when(exp.not_(is_null(core_cell)), heard), **_halves(core_cell)})


def address(layers: Layers, field: str, places: Places) -> None:
    """Read an address of the region: its county, the road or village in words, and its numbers in their order."""
    plain, mark = layers.keep(_plain(layers, field, f"{BLANKS},，。、;；:：#()（）")), f"bj_{field}_"
    city = layers.keep(_found(plain, any_of(list(places.cities))))
    county = layers.keep(_found(plain, any_of(list(places.counties))))
    layers.look_up(
        [
            LookUp(PLACES, "word", city, {"code": f"{mark}city"}),
            LookUp(PLACES, "word", county, {"code": f"{mark}county"}),
        ]
    )
    upper, lower = cell(f"{mark}city"), cell(f"{mark}county")
    inside = exp.or_(is_null(upper), exp.EQ(this=cut(upper, 1, 4), expression=cut(lower, 1, 4)))
    fits = layers.keep(exp.and_(exp.not_(is_null(lower)), inside))
    name = layers.keep(exp.Case().when(fits, county.copy()).else_(city.copy()))
    start = exp.Add(this=exp.StrPosition(this=plain.copy(), substr=name.copy()), expression=long(name))
    behind = exp.Substring(this=plain.copy(), start=start, length=long(plain))
    head = exp.Case().when(exp.not_(is_null(name)), behind).else_(plain.copy())
    spoken = exp.RegexpLike(this=head.copy(), expression=literal(f"[{_NUMERALS[0]}]"))
    rest = layers.keep(exp.Case().when(spoken, swapped(head, *_NUMERALS)).else_(head.copy()))
    known = layers.keep(exp.Case().when(fits.copy(), lower.copy()).else_(upper.copy()))
    digits = replaced(rest, "[^0-9]+", "-")
    whole = _joined([exp.Coalesce(this=known.copy(), expressions=[literal("")]), rest.copy()])
    _put(
        layers,
        field,
        {
            "plain": exp.Case().when(exp.not_(is_null(plain)), whole),
            "county": known.copy(),
            "road": _found(rest, "^[^0-9]+"),
            "numbers": _filled(exp.Trim(this=digits, expression=literal("-"))),
        },
    )


def citizen_id(layers: Layers, field: str, places: Places) -> None:
    """Read a citizen number: 15 digits become 18, and whether its check character holds (GB 11643)."""
    del places
    text = layers.keep(_plain(layers, field, f"{BLANKS}\\-"))
    longer = layers.keep(_joined([cut(text, 1, 6), literal("19"), cut(text, 7, 9)]))
    checked = _joined([longer.copy(), citizen_check(longer)])
    old = full_match(text, "[1-9][0-9]{14}")
    whole = layers.keep(exp.Case().when(old, checked).else_(text.copy()))
    parts = cache(lambda name: layers.keep(PARTS[name](whole)))
    valid = layers.keep(exp.Coalesce(this=CHECKSUMS["citizen_id"](parts), expressions=[exp.false()]))
    _identifier(layers, field, whole, valid)
    full = _named(field, "full")
    is_whole = exp.EQ(this=long(full), expression=number(18))
    birth, area = exp.Case().when(is_whole, cut(full, 7, 8)), exp.Case().when(is_whole.copy(), cut(full, 1, 6))
    _put(layers, field, {"birth": birth, "area": area})


def uscc(layers: Layers, field: str, places: Places) -> None:
    """Read a credit code, and the organisation code within it (GB 32100, GB 11714)."""
    del places
    text = layers.keep(_plain(layers, field, f"{BLANKS}\\-"))
    read = layers.keep(credit_code(text, layers.keep))
    whole = layers.keep(exp.Coalesce(this=read, expressions=[text]))
    _identifier(layers, field, whole, exp.not_(is_null(read)))
    full = _named(field, "full")
    own = exp.Case().when(exp.EQ(this=long(full), expression=number(18)), cut(full, 9, 9))
    _put(layers, field, {"organ": own.when(exp.EQ(this=long(full), expression=number(9)), full.copy())})


def _identifier(layers: Layers, field: str, text: exp.Expr, valid: exp.Expr) -> None:
    """Keep an identifier unless it only fills the form: shorter than eight characters, or one character throughout."""
    same = f"^(?:{'|'.join(f'{digit}+' for digit in '0123456789X')})\\z"
    filled = exp.or_(
        exp.LT(this=long(text), expression=number(8)), exp.RegexpLike(this=text.copy(), expression=literal(same))
    )
    told = exp.Case().when(exp.or_(valid.copy(), exp.not_(filled)), text.copy())
    _put(layers, field, {"full": told, "valid": valid.copy()})
    _put(layers, field, _ends(_named(field, "full"), 6))


def phone(layers: Layers, field: str, places: Places) -> None:
    """Read a telephone number: digits without the country's code; the last seven are what a number has without its area."""
    del places
    value = cell(field)
    digits = layers.keep(
        exp.Case().when(full_match(value, _MOBILE), value.copy()).else_(replaced(narrowed(value), "[^0-9]+", ""))
    )
    mobile = _found(digits, f"^(?:0086|086|86|0)?({_MOBILE})\\z", 1)
    fixed = _found(digits, "^(?:0086|086|86)?0?([1-9][0-9]{6,10})\\z", 1)
    same = f"^(?:{'|'.join(f'{digit}+' for digit in '0123456789')})\\z"
    real = exp.not_(exp.RegexpLike(this=digits.copy(), expression=literal(same)))
    other = exp.Case().when(real, exp.Coalesce(this=mobile, expressions=[fixed]))
    found = layers.keep(exp.Case().when(full_match(digits, _MOBILE), digits.copy()).else_(other))
    tail = exp.Substring(this=found.copy(), start=exp.Sub(this=long(found), expression=number(6)), length=number(7))
    _put(layers, field, {"digits": found.copy(), "tail": tail, **_ends(found, 4)})


def date(layers: Layers, field: str, places: Places) -> None:
    """Read a day as eight digits: 2024-03-01, 2024年3月1日, 20240301."""
    del places
    value = cell(field)
    usual = _joined([cut(value, 1, 4), cut(value, 6, 2), cut(value, 9, 2)])
    text = layers.keep(exp.Case().when(full_match(value, _DAY), usual).else_(narrowed(value)))
    pattern = "[^0-9]*([0-9]{4})[^0-9]*?([0-9]{1,2})[^0-9]*?([0-9]{1,2})(?:[^0-9].*)?"
    year, *parts = (_found(text, f"^{pattern}\\z", group) for group in (1, 2, 3))
    padded = [exp.Pad(this=p, expression=number(2), fill_pattern=literal("0"), is_left=True) for p in parts]
    read = exp.Case().when(full_match(text, pattern), _joined([year, *padded]))
    digits = layers.keep(exp.Case().when(full_match(text, "[0-9]{8}"), text.copy()).else_(read))
    real = exp.not_(exp.In(this=digits.copy(), expressions=[literal(day) for day in _NO_DAYS]))
    found = layers.keep(exp.Case().when(real, digits.copy()))
    _put(
        layers,
        field,
        {"day": found.copy(), "month": cut(found, 1, 6), "year": cut(found, 1, 4), **_ends(found, 4)},
    )


def code(layers: Layers, field: str, places: Places) -> None:
    """Read a code: half width, capitals, no blanks."""
    del places
    _put(layers, field, {"plain": _plain(layers, field)})


def text(layers: Layers, field: str, places: Places) -> None:
    """Read a text: half width, capitals, no blanks and signs; ``letters`` where it is of ASCII only, whose bytes are its characters."""
    del places
    _put(layers, field, {"plain": _plain(layers, field, f"{BLANKS}{_DOTS},，。、;；:：()（）'\"\\-")})
    plain = _named(field, "plain")
    ascii_only = full_match(plain, "[ -~]*")
    _put(
        layers,
        field,
        {"letters": exp.Case().when(ascii_only, plain.copy()), "start": cut(plain, 1, 3), **_halves(plain)},
    )


MAKERS: Final[Mapping[Likeness, Maker]] = {
    Likeness.PERSON_NAME: person_name,
    Likeness.COMPANY_NAME: company_name,
    Likeness.ADDRESS: address,
    Likeness.CITIZEN_ID: citizen_id,
    Likeness.CREDIT_CODE: uscc,
    Likeness.PHONE: phone,
    Likeness.DATE: date,
    Likeness.CODE: code,
    Likeness.TEXT: text,
}
"""What makes the forms of a field, by the way it is compared."""
