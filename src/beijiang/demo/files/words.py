"""Words that names, streets and firms are put together from, and the styles in which clerks write dates and money."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

__all__ = [
    "BRAND",
    "RARE_SURNAMES",
    "STREETS",
    "SURNAMES",
    "VILLAGES",
    "han_names",
    "mixed_dates",
    "mongol_names",
    "street_addresses",
]

SURNAMES = tuple(
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
)
RARE_SURNAMES = tuple("𠮷𣲗𬇙𬣙𫖯𬀩")
"""Surname characters outside the basic plane: four bytes in GB18030."""
_GIVEN_MEN = tuple("伟强磊军洋勇杰涛超明刚平辉鹏华飞波斌宇浩凯健俊帆帅旭宁龙志国建海永文德宏晓成春林山")
_GIVEN_WOMEN = tuple("芳娜敏静丽艳娟霞秀英玲桂兰红梅燕颖琳雪慧莹洁云婷萍倩晶蕾薇璐欣怡佳悦琪瑶晨曦春淑")
_MONGOL_FIRST = ("乌云", "萨仁", "娜仁", "阿拉腾", "孟克", "巴雅尔", "额尔敦", "斯琴", "通拉嘎", "哈斯", "乌日", "苏日", "格日勒", "敖登", "那木", "宝力", "呼和", "查干", "青格勒")  # fmt: skip
_MONGOL_MEN = ("巴特尔", "巴图", "苏和", "朝鲁", "吉日嘎拉", "布和", "达来", "毕力格", "巴根", "朝克图", "宝音", "德力格尔", "特木尔", "那顺", "扎布")  # fmt: skip
_MONGOL_WOMEN = ("其其格", "高娃", "图雅", "花", "托娅", "琪琪格", "娜", "格日乐", "塔娜", "珠拉", "琴", "其木格")
STREETS = ("新华", "团结", "人民", "胜利", "建设", "民族", "迎宾", "友谊", "光明", "文化", "前进", "和平", "通达", "草原", "锦绣", "向阳", "振兴", "青山", "长青", "安康")  # fmt: skip
_KINDS = ("路", "街", "大街", "东路", "西路", "南街", "北街")
_ESTATES = (
    "书香苑",
    "阳光家园",
    "滨河花园",
    "金色家园",
    "绿洲小区",
    "安居小区",
    "怡和园",
    "蓝天小区",
    "幸福里",
    "敕勒新村",
)
VILLAGES = ("巴彦", "查干", "哈拉", "乌兰", "宝力", "布拉格", "希日", "敖包", "乌日图", "阿尔山", "那仁", "呼和", "白音", "浩特", "吉林", "图古", "萨拉", "宝格")  # fmt: skip
BRAND = tuple("云启泽朔穹岚舟禾沐晟霁衡屿翎汀澍砚榆曜峤渚旻湛铎")


def han_names(rng: Random, women: Sequence[bool]) -> list[str]:
    """Return one invented name of two or three characters each; ``women`` says whose given name it is."""
    surnames = rng.choices(SURNAMES, k=len(women))
    first = rng.choices(_GIVEN_MEN, k=len(women))
    first_women = rng.choices(_GIVEN_WOMEN, k=len(women))
    second = rng.choices((*_GIVEN_MEN, *("",) * 12), k=len(women))
    second_women = rng.choices((*_GIVEN_WOMEN, *("",) * 12), k=len(women))
    return [
        surname + (fw + sw if woman else fm + sm)
        for woman, surname, fm, fw, sm, sw in zip(
            women, surnames, first, first_women, second, second_women, strict=True
        )
    ]


def mongol_names(rng: Random, women: Sequence[bool]) -> list[str]:
    """Return invented transliterated names such as 乌云其其格 and 巴特尔·苏和; about one in eight carries the dot."""
    names = []
    for woman in women:
        draw = rng.random()
        first = _MONGOL_FIRST[int(rng.random() * len(_MONGOL_FIRST))]
        ends = _MONGOL_WOMEN if woman else _MONGOL_MEN
        end = ends[int(rng.random() * len(ends))]
        if draw < 0.125:  # noqa: PLR2004 - the share that the docstring names
            father = _MONGOL_MEN[int(rng.random() * len(_MONGOL_MEN))]
            names.append(f"{father}·{first}{end}" if woman else f"{father}·{end}")
        else:
            names.append(first + end)
    return names


def mixed_dates(rng: Random, dates: Sequence[str], weights: Sequence[int]) -> list[str]:
    """Rewrite ``CCYYMMDD`` texts as 20030102, 2003-01-02, 2003年1月2日, 2003.1.2 or 2003/1/2, drawn by ``weights``."""
    forms = (
        lambda d: d,
        lambda d: f"{d[:4]}-{d[4:6]}-{d[6:]}",
        lambda d: f"{d[:4]}年{int(d[4:6])}月{int(d[6:])}日",
        lambda d: f"{d[:4]}.{int(d[4:6])}.{int(d[6:])}",
        lambda d: f"{d[:4]}/{int(d[4:6])}/{int(d[6:])}",
    )
    chosen = rng.choices(forms, weights=weights, k=len(dates))
    return [form(text) for form, text in zip(chosen, dates, strict=True)]


def street_addresses(rng: Random, urban: Sequence[bool]) -> list[str]:
    """Return the part of an address below the county: street and house, or sumu and gacha."""
    count = len(urban)
    streets = rng.choices([name + kind for name in STREETS for kind in _KINDS], k=count)
    estates = rng.choices(_ESTATES, k=count)
    sumu = rng.choices([a + b for a in VILLAGES for b in VILLAGES if a != b], k=count)
    gacha = rng.choices(VILLAGES, k=count)
    draws = [rng.random() for _ in range(count)]
    return [
        f"{street}{1 + int(x * 199)}号{estate}{1 + int(x * 1999) % 20}号楼{1 + int(x * 7919) % 4}单元{101 + int(x * 104729) % 6 * 100}室"
        if city
        else f"{place}苏木{village}嘎查{1 + int(x * 299)}号"
        for city, street, estate, place, village, x in zip(urban, streets, estates, sumu, gacha, draws, strict=True)
    ]
