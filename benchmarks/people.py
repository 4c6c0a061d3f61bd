"""Persons of Inner Mongolia who do not exist, in households, and records of them with the faults that registers have.

Truth is known: ``person`` says who a record is of. About 17 % have transcribed Mongolian names. Of a person with several records, the first is right; in each further one
every field is faulty with a probability of ``noise``.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import accumulate
from pathlib import Path

import pyarrow as pa

HERE = Path(__file__).parent
SOURCE = HERE.parent / "src" / "beijiang"
SURNAMES = (
    "王:7.2 李:7 张:6.8 刘:5.4 陈:4 杨:3.2 赵:2.6 黄:2.4 周:2.1 吴:2 徐:1.7 孙:1.6 胡:1.4 朱:1.3 高:1.3 林:1.1 何:1.1 郭:1.1 马:1.1 罗:0.9 "
    "梁:0.9 宋:0.8 郑:0.8 谢:0.7 韩:0.7 唐:0.7 冯:0.6 于:0.6 董:0.6 程:0.5 曹:0.5 袁:0.5 邓:0.5 许:0.5 傅:0.4 沈:0.4 曾:0.4 彭:0.4 吕:0.4 "
    "苏:0.4 卢:0.4 蒋:0.4 蔡:0.4 贾:0.4 丁:0.3 魏:0.3 薛:0.3 叶:0.3 阎:0.3 余:0.3 潘:0.3 杜:0.3 戴:0.3 夏:0.3 钟:0.2 汪:0.2 田:0.3 任:0.3 "
    "姜:0.3 范:0.3 方:0.2 石:0.3 姚:0.2 谭:0.2 廖:0.2 邹:0.2 熊:0.2 金:0.2 陆:0.2 郝:0.3 孔:0.1 白:0.3 崔:0.2 康:0.2 毛:0.2 邱:0.2 秦:0.2 江:0.2 "
    "史:0.2 顾:0.1 侯:0.3 邵:0.1 孟:0.2 龙:0.1 万:0.1 段:0.2 雷:0.1 钱:0.1 汤:0.1 尹:0.1 单:0.1 解:0.1 仇:0.05 查:0.05 欧阳:0.05 尉迟:0.02 上官:0.02"
)
GIVEN = (
    "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂兰玉梅红建国华文志海鹏飞宇浩然子轩欣怡梦琪雨涵晨曦佳宁俊峰晓燕春雷永生福贵金凤银花振东"
    "立新利民凯旋博思源嘉铭诗悦可心若曦一诺泽昊天佑瑞祥德才学兵占山满仓喜乐长河云龙少华淑珍翠莲爱玲素琴凤英秀兰桂芝玉兰世杰家豪逸轩雅婷"
)
ALIKE = (
    "伟玮炜韦",
    "静婧靖敬",
    "丽莉俐利",
    "杰洁捷",
    "娟鹃",
    "涛韬",
    "明铭",
    "霞遐",
    "平萍",
    "红虹宏洪",
    "志智治",
    "海",
    "鹏朋",
    "宇雨羽",
    "浩昊皓",
    "欣新鑫心",
    "怡仪宜",
    "梦孟",
    "涵函",
    "晨辰",
    "曦希熙西",
    "佳嘉家",
    "俊峻骏",
    "峰锋丰",
    "晓小",
    "燕艳雁",
    "英瑛",
    "兰岚",
    "玉育",
    "芳方",
    "敏闵",
    "琴芹勤",
    "婷亭",
    "轩宣",
    "源远",
    "军君均",
    "国果",
    "建健",
    "华花",
)
LOOKS = (
    "末未",
    "士土",
    "己已",
    "日曰",
    "人入",
    "千干",
    "天夭",
    "王玉",
    "大太",
    "名各",
    "折拆",
    "候侯",
    "晴睛",
    "杨扬",
    "孟盂",
    "于干",
    "秦泰",
    "史吏",
    "刘浏",
    "陈阵",
    "郑邓",
    "沈沉",
    "芳芬",
    "娜娣",
    "伟纬",
    "梅悔",
    "兰三",
    "强弘",
)
ROADS = (
    "新华大街",
    "中山路",
    "乌兰察布东街",
    "昭乌达路",
    "钢铁大街",
    "民族东路",
    "团结路",
    "友谊大街",
    "建设路",
    "锡林南路",
    "海拉尔大街",
    "和平路",
    "迎宾路",
    "文化街",
    "阿尔丁大街",
    "滨河路",
    "兴安北路",
    "康巴什东街",
    "人民路",
    "工业大道",
)
ESTATES = (
    "巨华世纪城",
    "阳光小区",
    "金地花园",
    "滨河家园",
    "民望家园",
    "富丽小区",
    "绿地中央",
    "锦绣家园",
    "鑫源小区",
    "桃李湖畔",
    "蒙苑小区",
    "丽景苑",
)
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
FIELDS = ("name", "id_number", "birth", "sex", "phone", "address")


def _words(name: str, column: str) -> list[str]:
    with (SOURCE / "fusion" / "reference" / f"{name}.csv").open() as file:
        return [row[column] for row in csv.DictReader(file)]


def _counties() -> list[tuple[str, str, str]]:
    with (SOURCE / "standards" / "reference" / "regions.csv").open() as file:
        rows = list(csv.DictReader(file))
    names = {row["code"]: row["name"] for row in rows}
    return [
        (row["code"], names[row["parent"]], row["name"])
        for row in rows
        if row["level"] == "3" and row["is_functional_zone"] == "false" and row["parent"] in names
    ]


class Registrar:
    """Makes people and writes records of them."""

    def __init__(self, seed: int, noise: float) -> None:
        self.rng = random.Random(seed)  # noqa: S311 - people that do not exist
        self.noise = noise
        pairs = [one.split(":") for one in SURNAMES.split()]
        self.surnames = [name for name, _ in pairs]
        self.weights = list(accumulate(float(weight) for _, weight in pairs))
        self.given_weights = list(accumulate(1 / (place + 8) for place in range(len(GIVEN))))
        self.mongolian = _words("mongolian_names", "word")
        self.counties = _counties()
        self.folds = [group for group in _words("transcription", "characters") if len(group) > 1]
        self.numbers: set[str] = set()

    def household(self) -> list[list[str | None]]:
        """Return the people of one household: they share an address, children also a surname and a telephone."""
        rng = self.rng
        code, city, county = rng.choice(self.counties)
        home = self.address(city, county)
        mongolian = rng.random() < 0.17
        size = rng.choices((1, 2, 3, 4), (30, 30, 25, 15))[0]
        surname = rng.choices(self.surnames, cum_weights=self.weights)[0]
        phone = self.phone()
        parent_born = date(1940, 1, 1) + timedelta(rng.randrange(365 * 50))
        found: list[list[str | None]] = []
        child_born: date | None = None
        for place in range(size):
            child = place >= 2
            if child:
                twin = child_born is not None and rng.random() < 0.08
                born = (
                    child_born
                    if twin and child_born
                    else min(parent_born + timedelta(365 * 22 + rng.randrange(365 * 12)), date(2024, 12, 31))
                )
                child_born = born
            else:
                born = parent_born + timedelta(rng.randrange(-900, 900))
            own = surname if child or place == 0 else rng.choices(self.surnames, cum_weights=self.weights)[0]
            sex = str(rng.randint(1, 2))
            number = self.number(code, born, int(sex))
            mobile = phone if place == 0 or (child and rng.random() < 0.7) else self.phone()
            found.append([self.name(own, mongolian=mongolian), number, born.isoformat(), sex, mobile, home])
        return found

    def name(self, surname: str, *, mongolian: bool) -> str:
        rng = self.rng
        if mongolian:
            return rng.choice(self.mongolian) + (rng.choice(self.mongolian) if rng.random() < 0.45 else "")
        count = 1 if rng.random() < 0.25 else 2
        return surname + "".join(rng.choices(GIVEN, cum_weights=self.given_weights, k=count))

    def number(self, code: str, born: date, sex: int) -> str:
        rng = self.rng
        while True:
            serial = rng.randrange(0, 500) * 2 + (1 if sex == 1 else 0)
            body = f"{code}{born:%Y%m%d}{serial % 1000:03d}"
            check = "10X98765432"[sum(int(c) * w for c, w in zip(body, WEIGHTS, strict=True)) % 11]
            if body + check not in self.numbers:
                self.numbers.add(body + check)
                return body + check

    def phone(self) -> str:
        return f"1{self.rng.choice('35789')}{self.rng.randrange(10**9):09d}"

    def address(self, city: str, county: str) -> str:
        rng = self.rng
        head = f"内蒙古自治区{city}{county}"
        if rng.random() < 0.3:
            return (
                f"{head}{rng.choice(self.mongolian)}{rng.choice(('苏木', '镇', '嘎查', '村'))}{rng.randint(1, 300)}号"
            )
        return f"{head}{rng.choice(ROADS)}{rng.randint(1, 200)}号{rng.choice(ESTATES)}{rng.randint(1, 30)}号楼{rng.randint(1, 6)}单元{rng.randint(1, 18)}0{rng.randint(1, 4)}室"

    def again(self, person: Sequence[str | None]) -> list[str | None]:
        """Write a person down once more, with faults."""
        faults = (self.bad_name, self.bad_number, self.bad_birth, self.bad_sex, self.bad_phone, self.bad_address)
        return [
            fault(value) if value is not None and self.rng.random() < self.noise else value
            for value, fault in zip(person, faults, strict=True)
        ]

    def bad_name(self, name: str) -> str | None:
        rng, kind = self.rng, self.rng.random()
        place = rng.randrange(len(name))
        if kind < 0.15:
            return None
        if kind < 0.35 and len(name) >= 4:
            return name[:2] + rng.choice("·・•. ") + name[2:]
        if kind < 0.45:
            return name[:1] + rng.choice(("　", " ")) + name[1:]
        groups = self.folds if len(name) >= 3 and name[0] not in self.surnames else ALIKE
        for at in rng.sample(range(len(name)), len(name)):
            for group in (*groups, *LOOKS):
                if name[at] in group:
                    return name[:at] + rng.choice(group) + name[at + 1 :]
        return name[:place] + rng.choice(GIVEN) + name[place + 1 :]

    def bad_number(self, number: str) -> str | None:
        rng, kind = self.rng, self.rng.random()
        if kind < 0.35:
            return None
        if kind < 0.5 and number[6:8] == "19":
            return number[:6] + number[8:17]
        return _slip(rng, number)

    def bad_birth(self, born: str) -> str | None:
        rng, kind = self.rng, self.rng.random()
        if kind < 0.3:
            return None
        if kind < 0.5 and int(born[8:]) <= 12:
            return f"{born[:4]}-{born[8:]}-{born[5:7]}"
        if kind < 0.65:
            return f"{born[:4]}-01-01"
        if kind < 0.8:
            return f"{int(born[:4]) + rng.choice((-1, 1))}{born[4:]}"
        return f"{born[:8]}{rng.randint(1, 28):02d}"

    def bad_sex(self, sex: str) -> str | None:
        return None if self.rng.random() < 0.8 else str(3 - int(sex))

    def bad_phone(self, phone: str) -> str | None:
        kind = self.rng.random()
        if kind < 0.3:
            return None
        return self.phone() if kind < 0.7 else _slip(self.rng, phone)

    def bad_address(self, address: str) -> str | None:
        rng, kind = self.rng, self.rng.random()
        if kind < 0.25:
            return None
        if kind < 0.6:
            _, city, county = rng.choice(self.counties)
            return self.address(city, county)
        if kind < 0.8:
            return address.replace("内蒙古自治区", rng.choice(("", "内蒙古")))
        return address.replace("号楼", rng.choice(("栋", "#", "号楼"))).replace("单元", "-").replace("室", "")


def _slip(rng: random.Random, digits: str) -> str:
    place = rng.randrange(1, len(digits) - 1)
    if rng.random() < 0.5 and digits[place] != digits[place + 1]:
        return digits[:place] + digits[place + 1] + digits[place] + digits[place + 2 :]
    return digits[:place] + str((int(digits[place]) + rng.randint(1, 9)) % 10) + digits[place + 1 :]


def records(count: int, *, noise: float = 0.15, seed: int = 7) -> pa.Table:
    """Return about ``count`` records, a quarter of them of people who have more than one."""
    registrar = Registrar(seed, noise)
    rng = registrar.rng
    rows: list[tuple[str, str, str, list[str | None]]] = []
    person = 0
    while len(rows) < count:
        for one in registrar.household():
            person += 1
            rows.append((f"{person}", "公安", f"p{person}", one))
            for more in range(rng.choices((0, 1, 2), (72, 22, 6))[0]):
                source = ("卫健", "人社")[more]
                rows.append((f"{person}", source, f"p{person}{'hr'[more]}", registrar.again(one)))
    rng.shuffle(rows)
    columns = {"person": [r[0] for r in rows], "source": [r[1] for r in rows], "record": [r[2] for r in rows]}
    columns |= {name: [r[3][place] for r in rows] for place, name in enumerate(FIELDS)}
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
