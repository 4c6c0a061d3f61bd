"""What the console calls the codes of other domains: steps, modes, states, types, reasons, masks."""

from __future__ import annotations

from beijiang.kit import Text

__all__ = ["word"]

_WORDS: dict[str, dict[str, Text]] = {
    "step": {
        "edit": Text("编辑", "edited"),
        "submit": Text("提交审核", "submitted"),
        "endorse": Text("部门确认", "endorsed"),
        "approve": Text("审核通过", "approved"),
        "request_publish": Text("申请发布", "asked for publication"),
        "publish": Text("发布", "published"),
        "return": Text("退回", "sent back"),
        "reject": Text("不予发布", "publication refused"),
        "take_offline": Text("下线", "taken offline"),
        "withdraw": Text("撤回", "withdrawn"),
    },
    "mode": {
        "auto": Text("自动", "automatic"),
        "append": Text("追加", "append"),
        "merge": Text("按主键合并", "merge by key"),
        "replace": Text("整表替换", "replace"),
        "rollback": Text("回到旧版", "rollback"),
        "compact": Text("压实", "compaction"),
    },
    "type": {
        "text": Text("文本", "text"),
        "integer": Text("整数", "integer"),
        "decimal": Text("小数", "decimal"),
        "double": Text("浮点数", "floating number"),
        "boolean": Text("是否", "yes or no"),
        "date": Text("日期", "date"),
        "timestamp": Text("日期时间", "date and time"),
        "geometry": Text("几何图形", "geometry"),
    },
    "item": {
        "C": Text("字符", "characters"),
        "N": Text("数值", "number"),
        "I": Text("整数", "integer"),
        "D": Text("日期", "date"),
        "T": Text("日期时间", "date and time"),
        "L": Text("是否", "yes or no"),
        "B": Text("二进制", "binary"),
    },
    "reason": {
        "check_failed": Text("没有通过检查", "failed a check"),
        "duplicate_key": Text("主键重复而内容不同", "same key, other content"),
        "duplicate_same": Text("完全重复", "exact repeat"),
        "missing_key": Text("缺少主键", "no key"),
        "nul_byte": Text("含空字节", "NUL byte"),
        "not_an_object": Text("不是一条记录", "not a record"),
        "too_long": Text("内容过长", "too long"),
        "unclosed_quote": Text("引号没有闭合", "quote not closed"),
        "undecodable": Text("编码读不通", "bytes that do not decode"),
        "untypable": Text("与列的类型不符", "does not fit the column's type"),
        "wrong_width": Text("列数不对", "wrong number of fields"),
    },
    "job": {
        "queued": Text("排队中", "queued"),
        "running": Text("进行中", "running"),
        "done": Text("已完成", "done"),
        "failed": Text("失败", "failed"),
        "cancelled": Text("已取消", "cancelled"),
    },
    "job_name": {"ingest": Text("汇聚", "taking in")},
    "mask": {
        "full": Text("全部遮盖", "all hidden"),
        "identity": Text("保留首尾", "ends kept"),
        "phone": Text("保留前三后四", "first 3 and last 4 kept"),
        "card": Text("保留后四位", "last 4 kept"),
        "name": Text("保留姓氏", "family name kept"),
        "address": Text("保留到旗县", "kept down to the county"),
        "email": Text("保留首字与域名", "first letter and domain kept"),
        "plate": Text("保留首尾", "ends kept"),
        "year": Text("保留年份", "year kept"),
        "round": Text("降低精度", "rounded"),
        "null": Text("不显示", "not shown"),
        "sole_trader": Text("仅遮盖个体工商户", "sole traders hidden"),
    },
    "op": {
        "eq": Text("等于", "is"),
        "ne": Text("不等于", "is not"),
        "contains": Text("包含", "contains"),
        "startswith": Text("开头是", "begins with"),
        "endswith": Text("结尾是", "ends with"),
        "gt": Text("大于", "is more than"),
        "gte": Text("不小于", "is at least"),
        "lt": Text("小于", "is less than"),
        "lte": Text("不大于", "is at most"),
        "in": Text("是其中之一", "is one of"),
        "notin": Text("不是其中之一", "is none of"),
        "isnull": Text("为空", "is empty"),
        "notnull": Text("不为空", "is not empty"),
    },
    "decision": {"allow": Text("允许", "allowed"), "deny": Text("拒绝", "denied")},
}


def word(group: str, code: str | None) -> Text:
    """Return what people call a code; a code that has no word yet shows itself."""
    if not code:
        return Text("", "")
    return _WORDS[group].get(code, Text(code, code))
