"""社保 and 低保: two files about residents of the register that must never be open."""

from __future__ import annotations

from random import Random

from beijiang.demo.files.delimited import lines
from beijiang.demo.files.handin import HandIn, LoadMode, OpenType, ShareType
from beijiang.demo.files.identity import FULL_WIDTH
from beijiang.demo.files.people import People
from beijiang.demo.files.scene import AS_OF, DEMO_NOTE, Scene
from beijiang.demo.files.sheets import Cell, Group, Sheet, flat_columns, write_workbook

__all__ = ["HOUSEHOLDS", "INSURED", "write_insured", "write_low_income"]

INSURED, HOUSEHOLDS = 30_000, 6_000
_WORKING_AGE = range(18, 65)
_INSURED_COLUMNS = ("社会保障号码", "姓名", "险种类型", "参保状态", "参保地区划代码", "首次参保日期", "缴费基数（元）", "累计缴费月数", "银行账号", "手机号码")  # fmt: skip


def write_insured(scene: Scene, people: People) -> HandIn:
    """Write the insured persons: GB18030 CSV, amounts with thousands separators, account numbers of no bank."""
    rng = scene.rng("insured")
    able = [i for i in range(len(people.ids)) if people.age(i) in _WORKING_AGE]
    chosen = rng.sample(able, min(scene.size(INSURED, 100), len(able)))
    rows = [_insured(rng, people, row) for row in chosen]
    wide = rng.sample(range(len(rows)), max(1, len(rows) // 500))
    for i in wide:
        rows[i][0] = rows[i][0].translate(FULL_WIDTH)
    path = scene.path("社会保险参保人员_202610.csv")
    path.write_bytes(lines([_INSURED_COLUMNS, *rows]).encode("gb18030"))
    return HandIn(
        path=path,
        org_key="human_resources",
        table_name="社会保险参保人员",
        title="社会保险参保人员信息",
        summary="社会保险参保人员的险种、参保状态、缴费基数和累计缴费月数，含个人信息和银行账号。" + DEMO_NOTE,
        columns=_INSURED_COLUMNS,
        key_columns=("社会保障号码", "险种类型"),
        rows=len(rows),
        category="203001",
        update_cycle="4",
        share_type=ShareType.CONDITIONAL,
        share_condition="办理社会救助、就业服务需要核验参保状态的政务部门，按人核验，不批量提供。",
        open_type=OpenType.NOT_OPEN,
        open_condition="含个人信息，依据个人信息保护法不予开放。",
        mode=LoadMode.MERGE,
        planted={"full_width_id": len(wide)},
    )


def _insured(rng: Random, people: People, row: int) -> list[str]:
    years = int(rng.random() * min(30, people.age(row) - 17)) + 1
    return [
        people.ids[row],
        people.names[row],
        rng.choices(("企业职工基本养老保险", "城乡居民基本养老保险", "机关事业单位养老保险"), weights=(45, 45, 10))[0],
        rng.choices(("参保缴费", "暂停缴费", "终止参保"), weights=(80, 16, 4))[0],
        people.counties[row].code,
        f"{AS_OF.year - years}{1 + int(rng.random() * 12):02d}01",
        f"{3000 + int(rng.random() ** 2 * 18_000):,}.00",
        str(years * 12 - int(rng.random() * 12)),
        f"0000{int(rng.random() * 10**15):015d}",  # No bank issues account numbers that start with 0000.
        people.mobiles[row],
    ]


_LOW_HEADINGS = (
    Group("序号"),
    Group("户主信息", ("姓名", "公民身份号码", "年龄", "联系电话")),
    Group("家庭情况", ("家庭人口", "保障人口", "致贫原因", "健康状况")),
    Group("救助情况", ("类别", "月保障金（元）", "开户账号", "审批日期")),
    Group("区划代码"),
    Group("家庭住址"),
)


def write_low_income(scene: Scene, people: People) -> HandIn:
    """Write the households on minimum allowance: a workbook with a merged header; health and accounts make it L4."""
    rng = scene.rng("low income")
    adults = [i for i in range(len(people.ids)) if people.age(i) >= _WORKING_AGE.start]
    chosen = rng.sample(adults, min(scene.size(HOUSEHOLDS, 50), len(adults)))
    rows = [_household(rng, people, number, row) for number, row in enumerate(chosen, start=1)]
    copies = max(1, len(rows) // 300)
    rows += [list(cells) for cells in rng.sample(rows, copies)]
    path = scene.path("低保及防返贫监测对象台账.xlsx")
    above = (
        "最低生活保障及防返贫监测对象台账",
        f"截止日期：{AS_OF.year}年{AS_OF.month}月{AS_OF.day}日　　内部资料，不得外传",
    )
    write_workbook(path, [Sheet("台账", _LOW_HEADINGS, rows, above)])
    return HandIn(
        path=path,
        org_key="poverty",
        table_name="低保及防返贫监测对象",
        title="最低生活保障及防返贫监测对象",
        summary="低保和防返贫监测家庭的户主、家庭人口、致贫原因、健康状况、保障金和账号，属敏感个人信息。" + DEMO_NOTE,
        columns=flat_columns(_LOW_HEADINGS),
        key_columns=("户主信息_公民身份号码",),
        rows=len(rows),
        category="203002",
        update_cycle="5",
        share_type=ShareType.NOT_SHARED,
        no_share_basis="《中华人民共和国个人信息保护法》第二十八条、第二十九条（敏感个人信息）。",
        open_type=OpenType.NOT_OPEN,
        open_condition="含敏感个人信息，不予开放。",
        mode=LoadMode.MERGE,
        planted={"duplicate_row": copies},
    )


def _household(rng: Random, people: People, number: int, row: int) -> list[Cell]:
    members = 1 + int(rng.random() * 5)
    return [
        number,
        people.names[row],
        people.ids[row],
        people.age(row),
        people.mobiles[row],
        members,
        1 + int(rng.random() * members),
        rng.choice(("因病", "因残", "因灾", "缺劳力", "因学", "其他")),
        rng.choice(("健康", "长期慢性病", "患有大病", "残疾")),
        rng.choice(("城市低保", "农村牧区低保", "边缘易致贫户", "突发严重困难户")),
        round(300 + rng.random() * 900, 2),
        f"0000{int(rng.random() * 10**15):015d}",
        f"{2018 + int(rng.random() * 8)}.{1 + int(rng.random() * 12)}.{1 + int(rng.random() * 28)}",
        people.counties[row].code,
        people.address(row),
    ]
