"""Labelled sentences as remarks of government tables have them: with persons, dwellings and codes of sole traders, and traps.

Each sort is a column of its own in the table that is checked, two thirds of it sentences of no concern, so that what the release check counts by
column says how many sentences of the sort it found. All is made up from a seed.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

from discovery_corpus import _BANNERS, _PLACES, _ROADS, SENSITIVE, _han, _mongol, _uscc

__all__ = ["EVERYDAY", "SORTS", "measured", "sentences"]

Make = Callable[[random.Random, int], str]


def _name(r: random.Random, i: int) -> str:
    return _mongol(r, i) if i % 4 == 0 else _han(r, i)


def _home(r: random.Random, i: int) -> str:
    return str(SENSITIVE["home address"][1](r, i))


def _sole(r: random.Random, i: int) -> str:
    return str(_uscc("92")(r, i))


def _firm(r: random.Random, i: int) -> str:
    return str(_uscc("91")(r, i))


def _place(r: random.Random) -> str:
    return f"{r.choice(_PLACES)}{r.choice(_ROADS)}{r.randrange(1, 300)}号"


def _day(r: random.Random) -> str:
    return f"{r.randrange(2018, 2026)}年{r.randrange(1, 13)}月{r.randrange(1, 29)}日"


_GROUPS: Final = (
    "业主",
    "市民",
    "群众",
    "牧民",
    "村民",
    "学生",
    "职工",
    "居民",
    "车主",
    "家长",
    "申请人",
    "当事人",
    "投诉人",
)
_BODIES: Final = ("物业", "热线", "政府", "嘎查", "学校", "企业", "老师", "社区", "街道", "窗口", "平台", "合作社")
_EVERYDAY_NOUNS: Final = (
    "万里行",
    "文具盒",
    "全勤奖",
    "古筝班",
    "安家费",
    "单元门",
    "房产证",
    "车票",
    "成长档案",
    "高温补贴",
    "解聘",
    "路队",
    "时代",
)
EVERYDAY: Final = tuple(Path(__file__).with_name("everyday.txt").read_text("utf-8").split("\n")[:-1])
"""What hotlines, forms, licences and notices say day by day; nobody is named in it."""
SORTS: Final[dict[str, tuple[str, Make]]] = {
    "联系人": ("named_person", lambda r, i: f"材料不全，请补正。联系人：{_name(r, i)}，工作日可联系"),
    "申请人": ("named_person", lambda r, i: f"申请人{_name(r, i)}于{_day(r)}提交，已受理"),
    "称谓": ("named_person", lambda r, i: f"由{_name(r, i)}{r.choice(('先生', '女士', '同志'))}代为领取证书"),
    "来电": ("named_person", lambda r, i: f"{_day(r)}，{_name(r, i)}{r.choice(('来电', '反映', '投诉'))}路灯不亮"),
    "基本情况": (
        "named_person",
        lambda r, i: f"{_name(r, i)}，{r.choice('男女')}，汉族，{r.randrange(1940, 2010)}年生，因病致贫",
    ),
    "村民": ("named_person", lambda r, i: f"{r.choice(_BANNERS)}牧民{_name(r, i)}因白灾损失牛羊{r.randrange(1, 90)}头"),
    "经办": ("named_person", lambda r, i: f"经办人 {_name(r, i)} 已核实现场"),
    "无提示": ("named_person", lambda r, i: f"已将{_name(r, i)}的材料退回补正，请尽快办理"),
    "住户": ("dwelling", lambda r, i: f"上门核查：{_home(r, i * 4 + 1)}，无人应门"),
    "家住": ("dwelling", lambda r, i: f"老人家住{_home(r, i)}，行动不便"),
    "住址": ("dwelling", lambda r, i: f"核对无误。住址：{_home(r, i)}；已回访"),
    "小区": ("dwelling", lambda r, _: f"投递至{r.choice(('祥和', '锦绣', '阳光'))}小区{r.randrange(1, 30)}-{r.randrange(1, 6)}-{r.randrange(101, 999)}"),
    "个体户": ("sole_trader", lambda r, i: f"经核，信用代码{_sole(r, i)}的商户已变更地址"),
    "代码": ("sole_trader", _sole),
    "括注": ("sole_trader", lambda r, i: f"东胜区便民超市（{_sole(r, i)}）抽检合格"),
    "机构": ("", lambda r, _: f"由{r.choice(_PLACES)}{r.choice(('市场监督管理局', '民政局', '司法局', '文化和旅游局'))}于{_day(r)}受理，联系人见公告"),
    "地点": ("", lambda r, _: f"位于{_place(r)}，占地{r.randrange(1, 90)}万亩"),
    "办事": ("", lambda r, _: f"住址变更请到{_place(r)}政务服务中心A座{r.randrange(101, 900)}室{r.randrange(1, 30)}号窗口办理"),
    "单位栏": ("", lambda r, _: f"负责人{r.choice(('单位意见', '安排施工时间', '项目管理费', '成立党支部'))}：{r.choice(('同意', '待补', '符合条件'))}"),
    "病情": ("", lambda r, _: f"患者{r.choice(('高血压', '高血糖', '康复期', '温度正常', '严重外伤'))}，{_day(r)}转院"),
    "群体": ("", lambda r, _: f"{r.choice(('村民', '居民', '牧民', '学生'))}{r.choice(('安全用电', '金融知识', '文化活动', '时间安排', '施工补偿', '常年外出', '易地搬迁'))}，涉及{r.randrange(9, 900)}户"),
    "脱敏": ("", lambda r, _: f"申请人{r.choice('王李张高')}{r.choice(('某', '某某', '**', '×'))}，{r.choice('男女')}，已受理"),
    "尊称": ("", lambda r, _: f"联系人：{r.choice('王李张高江')}{r.choice(('主任', '局长', '经理', '老师'))}，请提前预约"),
    "条款": ("", lambda r, _: f"法定代表人应当{r.choice(('到场', '签字', '提供授权'))}；申请人项目名称与单位公章一致，经办人安排于{_day(r)}前办结"),
    "地名": ("", lambda r, _: f"联系人：{r.choice(('包头市', '乌兰察布市', '呼和浩特市', '和林格尔县', '赛罕区'))}政务服务局"),
    "企业": ("", lambda r, i: f"统一社会信用代码{_firm(r, i)}，承办人为内蒙古{r.choice(('吉祥', '金石', '高原'))}建筑有限公司"),
    "单号": ("", lambda r, _: f"流水号92{r.choice(('150102', '150202'))}{r.randrange(10**10):010d}，批次{r.randrange(1, 99)}"),
    "单元": ("", lambda r, _: f"第{r.randrange(1, 9)}单元教学检查，{r.randrange(1, 30)}号楼设备间存储单元{r.randrange(100, 900)}个"),
    "数量": ("", lambda r, _: f"{r.choice(_BANNERS)}哈日嘎查{r.randrange(3, 90)}户受灾，转移{r.randrange(9, 400)}人"),
    "药材": ("", lambda r, _: f"方剂：{'、'.join(r.sample(('黄芪', '白术', '甘草', '柴胡', '麻黄', '石斛'), 3))}，水煎服"),
    "景区": ("", lambda r, _: f"游客请从成吉思汗陵旅游区南门进入，负责人电话见官网，{_day(r)}起开放"),
    "职务": ("", lambda r, _: f"会议由主任主持，法人代表须携带居民身份证，学生家长委员会{r.choice(('同意', '参加'))}"),
    "往来": ("", lambda r, _: f"{r.choice(_GROUPS)}{r.choice('向和应')}{r.choice(_BODIES)}{r.choice(('反映', '求助', '申请', '投诉'))}，{_day(r)}已答复"),
    "群体名词": ("", lambda r, _: f"{r.choice(_GROUPS)}{r.choice(_EVERYDAY_NOUNS)}，{_day(r)}已答复"),
    "场所": ("", lambda r, i: f"准予从事食品经营活动，经营场所：{_home(r, i * 4 + 1)}"),
    "工程": ("", lambda r, _: f"业主方为{r.choice(('市水务局', '公路养护中心', '高速公路分公司'))}，原告单位与被告单位已和解"),
}  # fmt: skip
"""The sorts by name: what has to be found (nothing in a trap) and how a sentence is made."""
SURE: Final = ("named_person", "dwelling", "sole_trader")
WITH_UNSURE: Final = "named_person, with those that people have to read"
_FILLERS: Final = ("无", "已办结", "材料齐全", "同意", "按规定办理", "暂缺", "详见附件", "符合条件")


def sentences(rows: int, seed: int) -> dict[str, list[str]]:
    """Return a column of ``rows`` texts for each sort, every third a sentence of it."""
    r = random.Random(seed)  # noqa: S311 - made-up data, which have to be the same every time
    return {
        sort: [make(r, i) if i % 3 == 0 else r.choice(_FILLERS) for i in range(rows)]
        for sort, (_, make) in SORTS.items()
    }


def measured(found: dict[str, int], rows: int) -> tuple[dict[str, tuple[float, float]], list[str]]:
    """Return precision and recall by what is found, and the sorts that went wrong; ``found`` as the findings count it."""
    hits: Counter[str] = Counter()
    false: Counter[str] = Counter()
    meant: Counter[str] = Counter()
    shown = {True: 0, False: 0}
    wrong = []
    for sort, (label, _) in SORTS.items():
        meant[label] += -(-rows // 3)
        counts = {which: found.get(f"{sort}/{which}", 0) for which in SURE}
        shown[label == "named_person"] += counts["named_person"] + found.get(f"{sort}/maybe_named", 0)
        for which, count in counts.items():
            (hits if which == label else false)[which] += count
        if any(count and which != label for which, count in counts.items()) or (
            label and counts[label] < -(-rows // 3)
        ):
            wrong.append(f"{sort}: {counts}")
    shares = {which: (hits[which] / max(1, hits[which] + false[which]), hits[which] / meant[which]) for which in SURE}
    return shares | {
        WITH_UNSURE: (shown[True] / max(1, sum(shown.values())), shown[True] / meant["named_person"])
    }, wrong
