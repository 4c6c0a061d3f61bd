"""Credit: red and black lists of the enterprises, the rule of the score, and repairs of what was punished."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from beijiang.demo.files.firms import Firm
from beijiang.demo.files.handin import HandIn
from beijiang.demo.files.plain import Named, PlainCell, write_plain
from beijiang.demo.files.scene import AS_OF, Scene

__all__ = ["write_credit_lists", "write_repairs", "write_score_rules"]

LISTED, REPAIRED = 1_600, 500
# List, whether it is for honour or for blame, the basis, who decides, weight, months on it, and what follows.
_LISTS = (
    ("纳税信用A级纳税人", "红名单", "《纳税信用管理办法（试行）》", "税务局", 34, 12, "容缺受理、简化程序；发票领用从宽"),
    ("海关高级认证企业", "红名单", "《海关注册登记和备案企业信用管理办法》", "海关", 6, 60, "优先办理通关手续，降低查验率"),
    ("守合同重信用企业", "红名单", "自治区守合同重信用企业公示办法（演示）", "市场监督管理局", 20, 24, "政府采购和招标投标中给予加分"),
    ("诚信用工单位", "红名单", "自治区劳动保障守法诚信等级评价办法（演示）", "人力资源和社会保障局", 12, 12, "减少日常检查频次"),
    ("经营异常名录", "黑名单", "《企业信息公示暂行条例》", "市场监督管理局", 16, 36, "限制评优评先；列为重点监管"),
    ("严重违法失信名单", "黑名单", "《市场监督管理严重违法失信名单管理办法》", "市场监督管理局", 5, 36, "限制享受优惠政策和参与政府采购"),
    ("重大税收违法失信主体", "黑名单", "《重大税收违法失信主体信息公布管理办法》", "税务局", 3, 36, "纳税信用直接判为D级"),
    ("拖欠农民工工资失信联合惩戒名单", "黑名单", "《拖欠农民工工资失信联合惩戒对象名单管理暂行办法》", "人力资源和社会保障局", 4, 36, "政府资金支持、招标投标受限"),
)  # fmt: skip


def write_credit_lists(scene: Scene, firms: list[Firm]) -> HandIn:
    """Write who is on which list since when and why; some have left a list again."""
    rng = scene.rng("credit lists")
    chosen = rng.sample(firms, min(len(firms) // 2, scene.size(LISTED, 60)))
    rows = [row for firm in chosen for row in _entries(rng, firm)]
    named = Named(
        table="信用红黑名单",
        title="守信联合激励和失信联合惩戒名单",
        summary="企业列入各类守信激励、失信惩戒名单的依据、机关、起止日期和相应措施。",
        org_key="ndrc",
        category="208001",
        update_cycle="2",
        columns=("名单编号", "统一社会信用代码", "主体名称", "名单类别", "名单名称", "认定依据", "认定机关", "激励惩戒措施", "列入日期", "截止日期", "状态", "盟市", "行业门类"),
        key=("名单编号",),
    )  # fmt: skip
    return write_plain(scene, named, [[f"MD{n:06d}", *row] for n, row in enumerate(rows, start=1)])


def _entries(rng: Random, firm: Firm) -> list[list[PlainCell]]:
    weights = [one[4] for one in _LISTS]
    found = {rng.choices(_LISTS, weights=weights)[0] for _ in range(1 + (rng.random() < 0.2))}  # noqa: PLR2004
    rows: list[list[PlainCell]] = []
    for name, kind, basis, organ, _, months, measures in sorted(found):
        since = AS_OF - timedelta(days=int(rng.random() * 900))
        until = since + timedelta(days=30 * months)
        state = "已到期" if until < AS_OF else "已移出" if rng.random() < 0.08 else "有效"  # noqa: PLR2004
        where = firm.county.league
        row: list[PlainCell] = [
            firm.code,
            firm.name,
            kind,
            name,
            basis,
            where + organ,
            measures,
            since,
            until,
            state,
            where,
            firm.trade,
        ]
        rows.append(row)
    return rows


def write_score_rules(scene: Scene) -> HandIn:
    """Write what each fact adds to or takes from the thousand points; each line has its basis and its days."""
    since, ever, basis = date(2024, 1, 1), date(2099, 12, 31), "自治区公共信用综合评价规则（演示），2024年版"
    rows: list[list[PlainCell]] = [
        ["基准分", 850, 0, "每个主体的起始分", basis, since, ever],
        ["有效行政许可", 5, 30, "每项有效许可加分，至多30分", basis, since, ever],
        ["守信激励名单", 40, 80, "每个有效的红名单加分，至多80分", basis, since, ever],
        ["行政处罚", -45, -270, "每项未修复的处罚减分，至多270分", basis, since, ever],
        ["失信惩戒名单", -160, -480, "每个有效的黑名单减分，至多480分", basis, since, ever],
        ["信用修复", 10, 30, "每项已完成的修复加分，至多30分", basis, since, ever],
        ["等级A", 880, 0, "880分以上为A级", basis, since, ever],
        ["等级B", 800, 0, "800分以上、不足880分为B级", basis, since, ever],
        ["等级C", 650, 0, "650分以上、不足800分为C级", basis, since, ever],
        ["等级D", 0, 0, "不足650分为D级", basis, since, ever],
    ]
    named = Named(
        table="信用评分规则",
        title="公共信用综合评价规则",
        summary="公共信用综合评价的事项、每项分值、上下限、依据和有效期；满分1000分。",
        org_key="ndrc",
        category="208001",
        update_cycle="9",
        columns=("事项", "每项分值", "上下限", "说明", "依据", "生效日期", "失效日期"),
        key=("事项", "生效日期"),
    )
    return write_plain(scene, named, rows)


def write_repairs(scene: Scene, firms: list[Firm]) -> HandIn:
    """Write applications to have a record repaired, and what became of each."""
    rng = scene.rng("credit repairs")
    punished = rng.choices(firms, k=scene.size(REPAIRED, 40))
    rows: list[list[PlainCell]] = []
    for n, firm in enumerate(punished, start=1):
        asked = AS_OF - timedelta(days=int(rng.random() * 540))
        decided = asked + timedelta(days=3 + int(rng.random() * 24))
        done = decided <= AS_OF
        result = ("准予修复" if rng.random() < 0.8 else "不予修复") if done else "办理中"  # noqa: PLR2004
        why = {"准予修复": "已履行义务、纠正失信行为并作出信用承诺", "不予修复": "尚未履行处罚决定确定的义务"}
        rows.append([
            f"XF{asked.year}{n:05d}", firm.code, firm.name, asked, decided if done else None, result,
            why.get(result, "材料审核中"), f"{firm.county.league}发展和改革委员会", firm.county.league,
        ])  # fmt: skip
    named = Named(
        table="信用修复",
        title="信用修复办理情况",
        summary="企业申请修复行政处罚公示信息的办理情况，含申请和办结日期、结果、理由和办理机关。",
        org_key="ndrc",
        category="208001",
        update_cycle="3",
        columns=(
            "受理编号",
            "统一社会信用代码",
            "主体名称",
            "申请日期",
            "办结日期",
            "结果",
            "理由",
            "办理机关",
            "盟市",
        ),
        key=("受理编号",),
    )
    return write_plain(scene, named, rows)
