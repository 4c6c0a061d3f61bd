"""A labelled corpus of columns as government tables have them, traps included; every value is made up from a seed.

A column is labelled with the kind that a careful person would give it. Names are helpful, misleading or absent; values are clean, or have
gaps, stray spaces and a few wrong entries. Nothing here is taken from real data: numbers count up, and names are put together by chance.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import pyarrow as pa

__all__ = ["Labelled", "Score", "corpus"]

_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_LETTERS: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_REGIONS: Final = (
    "150102",
    "150105",
    "150202",
    "150402",
    "150602",
    "152501",
    "150702",
    "110105",
    "130102",
    "210102",
    "640104",
    "610113",
)
_HEADS: Final = (
    "130",
    "131",
    "133",
    "135",
    "136",
    "137",
    "138",
    "139",
    "147",
    "150",
    "151",
    "153",
    "155",
    "157",
    "158",
    "159",
    "166",
    "173",
    "176",
    "177",
    "180",
    "182",
    "185",
    "186",
    "187",
    "188",
    "189",
    "198",
    "199",
)
_SURNAMES: Final = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
_GIVEN: Final = (
    "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂文辉玲建国华红梅志宇欣怡子涵浩然梓萱雨泽诗博雅晨曦思源嘉"
)
_MONGOL: Final = (
    "其其格",
    "巴特尔",
    "格日勒",
    "图雅",
    "娜仁",
    "乌云",
    "苏和",
    "斯琴",
    "萨仁",
    "高娃",
    "朝克",
    "毕力格",
    "巴图",
    "孟和",
    "阿拉坦",
    "敖登",
    "通拉嘎",
    "宝音",
    "巴雅尔",
    "额尔敦",
    "布和",
    "青格勒",
    "托娅",
    "苏日娜",
    "吉雅",
    "牧仁",
    "塔娜",
    "特木尔",
    "乌力吉",
    "德力格尔",
)
_PLACES: Final = (
    "呼和浩特市新城区",
    "呼和浩特市赛罕区",
    "包头市昆都仑区",
    "赤峰市红山区",
    "鄂尔多斯市东胜区",
    "通辽市科尔沁区",
    "锡林浩特市",
    "乌兰察布市集宁区",
)
_BANNERS: Final = (
    "锡林郭勒盟苏尼特右旗朱日和镇",
    "兴安盟科尔沁右翼前旗察尔森镇",
    "阿拉善盟阿拉善左旗巴彦浩特镇",
    "锡林郭勒盟东乌珠穆沁旗萨麦苏木",
)
_ROADS: Final = ("新华大街", "中山东路", "成吉思汗大街", "钢铁大街", "乌兰察布东街", "大学西路", "昭乌达路", "文化路")
_HERBS: Final = (
    "黄芪",
    "甘草",
    "白芍",
    "白术",
    "苏木",
    "马齿苋",
    "夏枯草",
    "金银花",
    "牛膝",
    "石斛",
    "麦冬",
    "谷芽",
    "鱼腥草",
    "当归",
    "党参",
    "枸杞",
    "防风",
    "柴胡",
    "肉苁蓉",
    "锁阳",
    "沙棘",
    "桔梗",
    "远志",
    "秦艽",
    "赤芍",
    "知母",
    "苍术",
    "麻黄",
    "车前子",
    "蒲公英",
    "板蓝根",
    "五味子",
    "益母草",
    "艾叶",
    "大黄",
    "升麻",
    "地榆",
    "玉竹",
    "黄精",
    "连翘",
)


@dataclass(frozen=True)
class Labelled:
    """One column: its name, its Arrow values, and the kind that it is."""

    name: str
    kind: str
    what: str
    values: pa.Array


class Score:
    """Columns found rightly, alarmed falsely, and missed; one found as another kind is missed and a false alarm at once."""

    def __init__(self) -> None:
        self.hits: Counter[str] = Counter()
        self.false: Counter[str] = Counter()
        self.missed: Counter[str] = Counter()
        self.wrong: list[str] = []

    def add(self, columns: list[Labelled], found: dict[str, str]) -> None:
        for column in columns:
            kind = found[column.name]
            if kind == column.kind:
                self.hits[kind] += kind != "plain"
                continue
            self.wrong.append(f"{column.what} as {column.name!r}: {kind} instead of {column.kind}")
            self.false[kind] += kind != "plain"
            self.missed[column.kind] += column.kind != "plain"

    def of(self, kind: str) -> tuple[float, float]:
        """Return precision and recall of a kind."""
        return _share(self.hits[kind], self.false[kind]), _share(self.hits[kind], self.missed[kind])

    @property
    def whole(self) -> tuple[float, float]:
        """Return precision and recall over all columns."""
        hits = self.hits.total()
        return _share(hits, self.false.total()), _share(hits, self.missed.total())

    def table(self) -> str:
        """Return both by kind, as text."""
        lines = [f"{'kind':24} {'columns':>8} {'precision':>10} {'recall':>8}"]
        for kind in sorted({*self.hits, *self.false, *self.missed} - {"plain"}):
            precision, recall = self.of(kind)
            lines.append(f"{kind:24} {self.hits[kind] + self.missed[kind]:>8} {precision:>10.3f} {recall:>8.3f}")
        precision, recall = self.whole
        lines.append(f"{'all':24} {self.hits.total() + self.missed.total():>8} {precision:>10.3f} {recall:>8.3f}")
        return "\n".join(lines)


def _share(hits: int, others: int) -> float:
    return hits / (hits + others) if hits + others else 1.0


Make = Callable[[random.Random, int], Any]


def _day(r: random.Random, first: int, last: int) -> date:
    return date(first, 1, 1) + timedelta(days=r.randrange((date(last, 12, 28) - date(first, 1, 1)).days))


def _id18(r: random.Random, _: int) -> str:
    body = f"{r.choice(_REGIONS)}{_day(r, 1940, 2015):%Y%m%d}{r.randrange(1000):03d}"
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, _WEIGHTS, strict=True)) % 11]


def _id15(r: random.Random, _: int) -> str:
    return f"{r.choice(_REGIONS)}{_day(r, 1935, 1985):%y%m%d}{r.randrange(1000):03d}"


def _mobile(r: random.Random, _: int) -> str:
    return f"{r.choice(_HEADS)}{r.randrange(10**8):08d}"


def _mobile_written(r: random.Random, i: int) -> str:
    n = _mobile(r, i)
    return (n, f"+86{n}", f"{n[:3]}-{n[3:7]}-{n[7:]}", f"{n[:3]} {n[3:7]} {n[7:]}", f"86-{n}")[i % 5]


def _landline(r: random.Random, i: int) -> str:
    area, n = (
        r.choice(("0471", "0472", "0476", "0477", "0479", "010", "022")),
        f"{r.randrange(2, 9)}{r.randrange(10**6):06d}",
    )
    return (f"{area}-{n}", f"({area}){n}", f"{area}{n}", f"{area} {n}", f"{area}-{n}-{r.randrange(100, 999)}")[i % 5]


def _luhn(body: str) -> str:
    total = 0
    for i, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if i % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return body + str((10 - total % 10) % 10)


def _card(r: random.Random, i: int) -> str:
    return _luhn(
        f"{r.choice(('622202', '621700', '622848', '623058'))}{r.randrange(10 ** (12 if i % 2 else 9)):0{12 if i % 2 else 9}d}"
    )


def _email(r: random.Random, i: int) -> str:
    return f"{r.choice(('wang', 'li', 'nm', 'user', 'office'))}{r.randrange(10**5)}{r.choice(('@163.com', '@qq.com', '@nmg.gov.cn', '@sina.com.cn'))}"


def _home(r: random.Random, i: int) -> str:
    if i % 4 == 0:
        return f"{r.choice(_BANNERS)}{r.choice(('哈日', '白音', '乌兰', '查干'))}嘎查{r.randrange(1, 200)}号"
    lead = "内蒙古自治区" if i % 3 else ""
    return f"{lead}{r.choice(_PLACES)}{r.choice(_ROADS)}{r.randrange(1, 300)}号{r.randrange(1, 30)}号楼{r.randrange(1, 6)}单元{r.randrange(101, 2600)}室"


def _place(r: random.Random, i: int) -> str:
    return f"{r.choice(_PLACES)}{r.choice(_ROADS)}{r.randrange(1, 300)}号" + ("" if i % 3 else "商务大厦")


def _han(r: random.Random, _: int) -> str:
    return r.choice(_SURNAMES) + "".join(r.choice(_GIVEN) for _ in range(r.choice((1, 2, 2))))


def _mongol(r: random.Random, i: int) -> str:
    name = "".join(r.sample(_MONGOL, 1 if i % 3 else 2))
    return r.choice(("包", "白", "乌", "敖", "")) + name if i % 4 else name


def _names(r: random.Random, i: int) -> str:
    return _mongol(r, i) if i % 3 == 0 else "阿依古丽·买买提" if i % 97 == 0 else _han(r, i)


def _plate(r: random.Random, i: int) -> str:
    letters = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
    body = "".join(r.choice(letters) for _ in range(5))
    return (
        f"蒙{r.choice('ABCDEFGHJKLM')}{body}",
        f"蒙{r.choice('ABCD')}·{body}",
        f"蒙{r.choice('AB')}D{r.randrange(10**5):05d}",
        f"京N{body}",
    )[i % 4]


def _passport(r: random.Random, i: int) -> str:
    return (
        f"E{r.choice('ABCDEFGH')}{r.randrange(10**7):07d}"
        if i % 3 == 0
        else f"{r.choice('EG')}{r.randrange(1, 10) * 10**7 + r.randrange(10**7):08d}"
    )


def _uscc(head: str) -> Make:
    def make(r: random.Random, _: int) -> str:
        body = f"{head}{r.choice(_REGIONS)}MA{''.join(r.choice(_LETTERS) for _ in range(7))}"
        total = sum(_LETTERS.index(c) * pow(3, i, 31) for i, c in enumerate(body))
        return body + _LETTERS[(31 - total % 31) % 31]

    return make


def _ip(r: random.Random, i: int) -> str:
    if i % 9 == 0:
        return f"2408:8214:{r.randrange(16**4):x}:{r.randrange(16**4):x}::{r.randrange(16**3):x}"
    return f"{r.choice((10, 59, 116, 172, 192, 221))}.{r.randrange(256)}.{r.randrange(256)}.{r.randrange(1, 255)}"


def _written(day: date, form: str) -> Any:
    if form == "zh":
        return f"{day.year}年{day.month}月{day.day}日"
    return day.strftime(form) if form else day


def _birth(form: str) -> Make:
    return lambda r, _: _written(_day(r, 1938, 2012), form)


def _recent(form: str) -> Make:
    return lambda r, _: _written(_day(r, 2003, 2025), form)


def _lon(r: random.Random, _: int) -> float:
    return round(r.uniform(98, 125), 6)


def _lat(r: random.Random, _: int) -> float:
    return round(r.uniform(38, 52), 6)


def _stamp(r: random.Random, _: int) -> str:
    return (datetime(2021, 1, 1) + timedelta(seconds=r.randrange(10**8))).strftime("%Y%m%d%H%M%S")  # noqa: DTZ001


def _hex(length: int) -> Make:
    return lambda r, _: f"{r.getrandbits(4 * length):0{length}x}"


SENSITIVE: Final[dict[str, tuple[str, Make, tuple[str, ...]]]] = {
    "id18": ("citizen_id", _id18, ("身份证号", "公民身份号码", "证件号码")),
    "id15": ("citizen_id", _id15, ("身份证号码", "原身份证号", "证件号码")),
    "ids mixed": (
        "citizen_id",
        lambda r, i: _id15(r, i) if i % 4 == 0 else _id18(r, i),
        ("身份证号", "居民身份证", "身份号码"),
    ),
    "mobile": ("mobile", _mobile, ("手机号", "联系电话", "移动电话")),
    "mobile, as written": ("mobile", _mobile_written, ("手机号码", "联系方式", "电话")),
    "fixed line": ("office_phone", _landline, ("办公电话", "联系电话", "值班电话")),
    "bank card": ("bank_card", _card, ("银行卡号", "卡号", "社保银行卡")),
    "e-mail": ("email", _email, ("电子邮箱", "邮箱", "email")),
    "home address": ("home_address", _home, ("家庭住址", "户籍地址", "现住址")),
    "names": ("person_name", _names, ("姓名", "户主", "申请人姓名")),
    "Mongolian names": ("person_name", _mongol, ("姓名", "监护人", "权利人")),
    "plate": ("plate", _plate, ("车牌号", "号牌号码", "车牌")),
    "passport": ("passport", _passport, ("护照号码", "护照", "护照号")),
    "ip": ("ip_address", _ip, ("IP地址", "登录IP", "客户端ip")),
    "birth date": ("birth_date", _birth(""), ("出生日期", "生日", "出生年月")),
    "birth date, text": ("birth_date", _birth("%Y-%m-%d"), ("出生日期", "出生时间", "生日")),
    "birth date, digits": ("birth_date", _birth("%Y%m%d"), ("出生年月", "出生日期", "生日")),
    "birth date, Chinese": ("birth_date", _birth("zh"), ("出生日期", "生日", "出生年月")),
    "uscc": ("uscc", _uscc("91"), ("统一社会信用代码", "信用代码", "企业信用代码")),
    "uscc of sole traders": ("uscc_sole_trader", _uscc("92"), ("信用代码", "统一社会信用代码", "uscc")),
    "place address": ("place_address", _place, ("经营地址", "注册地址", "单位住所")),
    "longitude": ("coordinates", _lon, ("经度", "lon", "longitude")),
    "latitude": ("coordinates", _lat, ("纬度", "lat", "latitude")),
}
TRAPS: Final[dict[str, tuple[Make, tuple[str, ...], tuple[str, ...]]]] = {
    "order numbers like ids": (
        lambda r, _: f"150102{_day(r, 2018, 2025):%Y%m%d}{r.randrange(10**4):04d}",
        ("订单号", "办件编号"),
        ("身份证业务流水号", "证件号码批次"),
    ),
    "order numbers, 18 digits": (
        lambda r, _: f"{r.randrange(10**17, 10**18)}",
        ("流水号", "交易单号"),
        ("身份号码流水号", "银行卡号订单号"),
    ),
    "orders like 15-digit ids": (
        lambda r, _: f"{r.choice(_REGIONS)}{_day(r, 2010, 2025):%y%m%d}{r.randrange(1000):03d}",
        ("受理编号", "许可编号"),
        ("身份证批号", "居民身份登记批次"),
    ),
    "phone-like amounts": (
        lambda r, _: r.randrange(131, 200) * 10**8 + r.randrange(10**6) * 100,
        ("合计金额", "投资额分"),
        ("电话费金额", "手机补贴金额"),
    ),
    "amounts": (lambda r, _: round(r.uniform(10, 10**6), 2), ("金额", "合同价款"), ("电话费金额", "邮箱数量")),
    "11-digit codes": (
        lambda r, _: f"{r.choice(('15010', '15020', '15040', '15060', '15250'))}{r.randrange(10**6):06d}",
        ("机构代码", "地块代码"),
        ("电话流水号", "手机型号"),
    ),
    "batch numbers": (lambda r, _: f"G{_day(r, 2015, 2025):%Y%m%d}", ("批号", "生产批次"), ("护照批次", "护照类型")),
    "serials": (lambda _, i: i + 1, ("序号", "编号"), ("联系人数", "姓名序号")),
    "serials with a letter": (lambda _, i: f"E{i + 1:08d}", ("档案编号", "合同编号"), ("护照序号", "车牌类型")),
    "hashes": (_hex(32), ("校验值", "md5"), ("姓名校验值", "手机校验值")),
    "long hashes": (_hex(64), ("摘要", "sha256"), ("身份证校验值", "邮箱校验值")),
    "timestamps": (_stamp, ("更新时间", "采集时间"), ("手机更新时间", "身份证更新时间")),
    "dates of permits": (_recent(""), ("许可日期", "发证日期"), ("姓名登记日期", "护照日期")),
    "dates, text": (_recent("%Y-%m-%d"), ("成立日期", "检测日期"), ("地址变更日期", "手机登记日期")),
    "milliseconds": (
        lambda r, _: 1_600_000_000_000 + r.randrange(10**11),
        ("时间戳", "ts"),
        ("电话时间", "手机时间戳"),
    ),
    "versions": (
        lambda r, _: f"{r.randrange(1, 9)}.{r.randrange(20)}.{r.randrange(20)}.{r.randrange(10)}",
        ("版本号", "软件版本"),
        ("IP版本", "地址版本"),
    ),
    "herbs": (lambda r, _: r.choice(_HERBS), ("药材", "品种"), ("姓名类别", "联系人类型")),
    "titles": (
        lambda r, _: r.choice(("高级", "中级", "初级", "正高级", "副高级", "无")),
        ("职称", "等级"),
        ("姓名类型", "户主类别"),
    ),
    "districts": (lambda r, _: r.choice(_PLACES), ("行政区划", "旗县"), ("地址类别", "住址类型")),
    "firms": (
        lambda r, _: (
            f"内蒙古{r.choice(_SURNAMES)}{r.choice(_GIVEN)}{r.choice(('商贸', '建筑', '农牧'))}有限公司第{r.randrange(900)}分部"
        ),
        ("供应商", "承建方"),
        ("姓名备注", "户主说明"),
    ),
    "one measure like a longitude": (
        lambda r, _: round(r.uniform(99, 120), 5),
        ("浓度", "气压"),
        ("地址系数", "位置系数"),
    ),
    "percentages": (lambda r, _: round(r.uniform(0, 100), 2), ("完成率", "占比"), ("手机占比", "邮箱完成率")),
    "order numbers like cards": (
        lambda r, _: f"62{r.randrange(10**15):015d}",
        ("物流单号", "凭证号"),
        ("银行卡号批次", "卡号类型"),
    ),
    "documents": (
        lambda r, i: f"内政发〔20{r.randrange(10, 26)}〕{i + 1}号",
        ("文号", "依据"),
        ("身份证依据", "车牌依据"),
    ),
    "zero-padded numbers": (
        lambda r, _: f"0471{r.randrange(10**7):07d}"[:4] + f"0{r.randrange(10**6):06d}",
        ("档号", "编码"),
        ("电话批次", "电话序号"),
    ),
    "handles": (
        lambda r, _: f"@{r.choice(('公告', '通知', '科室'))}{r.randrange(500)}",
        ("提及", "话题"),
        ("邮箱备注", "邮箱类型"),
    ),
}
MISLEADING: Final = ("编码", "内容", "取值", "备用字段", "说明", "附加信息", "扩展", "参数")
PERSON: Final = (
    "id18",
    "id15",
    "ids mixed",
    "mobile",
    "mobile, as written",
    "bank card",
    "e-mail",
    "home address",
    "names",
    "Mongolian names",
    "plate",
    "passport",
    "birth date",
    "birth date, text",
    "birth date, digits",
    "birth date, Chinese",
)
FIRM: Final = ("uscc", "place address", "fixed line", "longitude", "latitude", "e-mail")
TRADER: Final = ("uscc of sole traders", "place address", "mobile", "longitude", "latitude")
LOG: Final = ("ip", "mobile")


def corpus(rows: int, seed: int = 2018, *, small: bool = False) -> Iterator[tuple[str, list[Labelled]]]:
    """Yield tables by name: about persons, firms, sole traders, logs, and of traps alone; in three ways of naming, clean and messy.

    ``small`` leaves every other half of the columns about persons and the tables of traps alone away.
    """
    r = random.Random(seed)  # noqa: S311 - made-up data, which have to be the same every time
    traps = list(TRAPS)
    number = 0
    for naming in ("helpful", "misleading", "absent"):
        for messy in (False, True):
            halves = (PERSON[:8], PERSON[8:]) if small else (PERSON[:8], PERSON[8:], PERSON[::2], PERSON[1::2])
            for theme in (*halves, FIRM, TRADER, LOG):
                number += 1
                told = (
                    theme
                    if not set(theme) <= set(PERSON) or {"id18", "names", "ids mixed"} & set(theme)
                    else ("names", *theme)
                )
                mixed = [*told, *(traps[(number * 5 + k) % len(traps)] for k in range(5))]
                yield f"表{number}", _table(r, mixed, rows, naming, messy=messy)
            for start in range(0, 0 if small else len(traps), 9):
                number += 1
                yield f"表{number}", _table(r, traps[start : start + 9], rows, naming, messy=messy)


def _table(r: random.Random, whats: list[str], rows: int, naming: str, *, messy: bool) -> list[Labelled]:
    made: list[Labelled] = []
    for place, what in enumerate(dict.fromkeys(whats)):
        kind, make, helpful, misleading = _spec(what)
        names = {"helpful": helpful, "misleading": misleading, "absent": (f"F{place:02d}", f"列{place + 1}")}[naming]
        name = next((n for n in r.sample(names, len(names)) if n not in {c.name for c in made}), f"{names[0]}{place}")
        values = [make(r, i) for i in range(rows)]
        made.append(Labelled(name, kind, what, _array(r, values, messy=messy)))
    return made


def _spec(what: str) -> tuple[str, Make, tuple[str, ...], tuple[str, ...]]:
    if what in TRAPS:
        make, helpful, misleading = TRAPS[what]
        return "plain", make, helpful, misleading
    kind, make, helpful = SENSITIVE[what]
    return kind, make, helpful, MISLEADING


def _array(r: random.Random, values: list[Any], *, messy: bool) -> pa.Array:
    if messy:
        junk: dict[type, Any] = {str: "不详", int: 0, float: 0.0, date: None}
        drawn = [r.random() for _ in values]
        values = [None if d < 0.1 else junk.get(type(v)) if d < 0.14 else v for v, d in zip(values, drawn, strict=True)]
        values = [f" {v} " if isinstance(v, str) and d > 0.9 else v for v, d in zip(values, drawn, strict=True)]
    return pa.array(values)
