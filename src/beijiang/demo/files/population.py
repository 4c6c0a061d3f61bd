"""人口库: the resident register of the public security department, a GB18030 export with everything that goes wrong in one."""

from __future__ import annotations

from random import Random

from beijiang.demo.files.delimited import lines
from beijiang.demo.files.handin import HandIn, LoadMode, OpenType, ShareType
from beijiang.demo.files.identity import FULL_WIDTH, spoil
from beijiang.demo.files.people import People
from beijiang.demo.files.scene import AS_OF, DEMO_NOTE, Scene
from beijiang.demo.files.words import mixed_dates

__all__ = ["FULL_SIZE", "write_population"]

FULL_SIZE = 200_000
COLUMNS = ("公民身份号码", "姓名", "性别代码", "民族代码", "出生日期", "户籍地址", "户籍区划代码", "联系电话", "婚姻状况代码", "更新日期")  # fmt: skip
_ID, _ADDRESS, _PHONE, _MARITAL, _SEX = 0, 5, 7, 8, 2
_UPDATED = len(COLUMNS) - 1
_BAD_BYTES = b"\xff\xfe"
_MARK = "\ue5e5"  # Stands for the undecodable bytes until the text has been encoded; private use, occurs nowhere else.
_MARKED = _MARK.encode("gb18030")

# How many of 10,000 rows get each kind of dirt.
_DIRT = {
    "wrong_check_digit": 40,
    "full_width_id": 30,
    "full_width_phone": 25,
    "line_break_in_address": 20,
    "sex_mismatch": 10,
    "missing_address": 90,
    "wrong_width": 2,
    "undecodable": 1.25,
}
_EXACT_COPIES, _OLDER_COPIES = 20, 10
_MISSING_PHONE, _MISSING_MARITAL = 0.06, 0.02


def people_needed(scene: Scene) -> int:
    """Return how many different residents the register holds; the other rows of the file are repetitions."""
    total = scene.size(FULL_SIZE, 400)
    return total - sum(_copies(total))


def write_population(scene: Scene, people: People) -> HandIn:
    """Write the register and say what it is."""
    rng = scene.rng("population")
    rows = _rows(rng, people)
    planted, dirty = _soil(scene, rng, rows)
    exact, older = _copies(scene.size(FULL_SIZE, 400))
    rows += _repetitions(rng, [cells for i, cells in enumerate(rows) if i not in dirty], (exact, older))
    readable = [cells for cells in rows if len(cells) == len(COLUMNS) and _MARK not in cells[_ADDRESS]]
    planted |= {
        "four_byte_name": people.rare,
        "duplicate_row": exact,
        "duplicate_id_older_date": older,
        "missing_phone": sum(1 for cells in readable if not cells[_PHONE]),
        "missing_marital_status": sum(1 for cells in readable if not cells[_MARITAL]),
    }
    path = scene.path("全区常住人口基础信息_20261031.csv")
    body = lines([COLUMNS, *rows]).encode("gb18030")
    path.write_bytes(body.replace(_MARKED, _BAD_BYTES))
    return HandIn(
        path=path,
        org_key="public_security",
        table_name="人口基础信息",
        title="内蒙古自治区常住人口基础信息",
        summary="全区常住人口登记的基本项目，含公民身份号码、姓名、性别、民族、出生日期、户籍地址等。" + DEMO_NOTE,
        columns=COLUMNS,
        key_columns=("公民身份号码",),
        rows=len(rows),
        category="101001",
        update_cycle="4",
        share_type=ShareType.CONDITIONAL,
        share_condition="因履行法定职责需要核验人口信息的政务部门，限申请目的使用，按项授权，期限一年。",
        open_type=OpenType.NOT_OPEN,
        open_condition="含个人信息，依据个人信息保护法不予开放。",
        mode=LoadMode.MERGE,
        planted=planted,
    )


def _copies(total: int) -> tuple[int, int]:
    """Return how many exact and how many older repetitions the file holds."""
    return max(1, total * _EXACT_COPIES // 10_000), max(1, total * _OLDER_COPIES // 10_000)


def _rows(rng: Random, people: People) -> list[list[str]]:
    """Lay the clean rows out, one list a person."""
    count = len(people.ids)
    births = mixed_dates(rng, people.births, (70, 16, 6, 4, 4))
    newest = AS_OF.toordinal()
    updates = [type(AS_OF).fromordinal(newest - day).isoformat() for day in range(1500)]
    drawn = rng.choices(updates[1:], k=count)
    updated = [
        day if day.replace("-", "") > birth else AS_OF.isoformat()
        for day, birth in zip(drawn, people.births, strict=True)
    ]
    married = rng.choices(("21", "22", "30", "40", "10"), weights=(70, 6, 8, 6, 10), k=count)
    phones = ["" if rng.random() < _MISSING_PHONE else phone for phone in people.mobiles]
    marital = [
        "" if rng.random() < _MISSING_MARITAL else "10" if people.age(i) < 22 else married[i]  # noqa: PLR2004 - marrying age
        for i in range(count)
    ]
    return [
        [number, name, "2" if woman else "1", ethnic, birth, people.address(i), county.code, phone, state, day]
        for i, (number, name, woman, ethnic, birth, county, phone, state, day) in enumerate(
            zip(
                people.ids,
                people.names,
                people.women,
                people.ethnic,
                births,
                people.counties,
                phones,
                marital,
                updated,
                strict=True,
            )
        )
    ]


def _soil(scene: Scene, rng: Random, rows: list[list[str]]) -> tuple[dict[str, int], set[int]]:
    """Put the dirt in, each kind on rows of its own; return the counts and the rows that were touched."""
    sizes = {kind: max(1, round(len(rows) * share / 10_000)) for kind, share in _DIRT.items()}
    sizes["wrong_width"] = max(2, sizes["wrong_width"])
    dirty: set[int] = set()
    for kind, chosen in scene.disjoint(rng, len(rows), sizes):
        dirty.update(chosen)
        for place, i in enumerate(chosen):
            _soil_row(rows[i], kind, odd=place % 2 == 1)
    return sizes, dirty


def _soil_row(cells: list[str], kind: str, *, odd: bool) -> None:
    """Spoil one row in place."""
    match kind:
        case "wrong_check_digit":
            cells[_ID] = spoil(cells[_ID])
        case "full_width_id":
            cells[_ID] = cells[_ID].translate(FULL_WIDTH)
        case "full_width_phone":
            cells[_PHONE] = (cells[_PHONE] or "15400000000").translate(FULL_WIDTH)
        case "line_break_in_address":
            cells[_ADDRESS] = cells[_ADDRESS][:9] + "\n" + cells[_ADDRESS][9:]
        case "sex_mismatch":
            cells[_SEX] = "1" if cells[_SEX] == "2" else "2"
        case "missing_address":
            cells[_ADDRESS] = ""
        case "wrong_width" if odd:
            del cells[_MARITAL:]
        case "wrong_width":
            cells.insert(_ADDRESS, "内蒙古")
        case "undecodable":
            cells[_ADDRESS] = cells[_ADDRESS][:6] + _MARK + cells[_ADDRESS][6:]


def _repetitions(rng: Random, clean: list[list[str]], copies: tuple[int, int]) -> list[list[str]]:
    """Repeat some rows further down, as a second extract pasted below the first one does; some with an older date."""
    chosen = rng.sample(clean, sum(copies))
    older = [[*cells[:_UPDATED], str(int(cells[_UPDATED][:4]) - 5) + "-01-15"] for cells in chosen[copies[0] :]]
    return chosen[: copies[0]] + older
