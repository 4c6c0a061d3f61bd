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
        "digits_lost": Text("数值丢了末几位", "last digits lost"),
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
    "job_name": {"ingest": Text("汇聚", "taking in"), "ingest.sync": Text("取数", "reading a source")},
    "difference": {
        "missing": Text("表中缺少", "missing here"),
        "extra": Text("源端没有", "not at the source"),
        "altered": Text("内容不同", "different"),
    },
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
    "action": {
        "access.acts_as": Text("代行身份", "acted as"),
        "access.denied": Text("越权被拒", "refused"),
        "access.key.issue": Text("签发密钥", "key issued"),
        "access.key.revoke": Text("吊销密钥", "key revoked"),
        "access.organisation.add": Text("新建机构", "organisation added"),
        "access.password.change": Text("修改口令", "password changed"),
        "access.person.add": Text("新建账号", "account made"),
        "access.person.disable": Text("停用账号", "account closed"),
        "access.person.enable": Text("启用账号", "account opened again"),
        "access.person.reset": Text("重置口令", "password reset"),
        "access.policy_error": Text("策略出错", "policy error"),
        "access.region.seed": Text("建立机构树", "organisations seeded"),
        "access.roles.set": Text("调整角色", "roles set"),
        "access.sign_in": Text("登录", "signed in"),
        "access.sign_in.failed": Text("登录失败", "sign-in failed"),
        "access.sign_out": Text("退出", "signed out"),
        "catalog.advance_release": Text("推进发布版本", "release advanced"),
        "catalog.approve": Text("审核通过", "entry approved"),
        "catalog.edit": Text("编辑目录", "entry edited"),
        "catalog.endorse": Text("部门确认", "entry endorsed"),
        "catalog.grade": Text("目录定级", "entry graded"),
        "catalog.publish": Text("发布", "entry published"),
        "catalog.register": Text("拟目录", "entry proposed"),
        "catalog.reject": Text("不予发布", "publication refused"),
        "catalog.return": Text("退回", "entry sent back"),
        "catalog.submit": Text("提交审核", "entry submitted"),
        "catalog.take_offline": Text("下线", "entry taken offline"),
        "catalog.withdraw": Text("撤回", "entry withdrawn"),
        "evidence.check": Text("核验存证", "log verified"),
        "evidence.export": Text("导出存证", "log exported"),
        "evidence.lost": Text("存证缺失", "records lost"),
        "evidence.search": Text("查询存证", "log searched"),
        "ingest.cancelled": Text("取消汇聚", "run cancelled"),
        "ingest.committed": Text("汇聚完成", "run committed"),
        "ingest.failed": Text("汇聚失败", "run failed"),
        "ingest.land": Text("接收文件", "file landed"),
        "ingest.preview": Text("预览文件", "file looked at"),
        "ingest.quarantine": Text("查看待修数据", "quarantine read"),
        "ingest.raw_cell": Text("查看原文", "raw cell read"),
        "ingest.return_file": Text("下载退回文件", "return file taken"),
        "ingest.stopped": Text("汇聚中止", "run stopped"),
        "ingest.submit": Text("提交汇聚", "run submitted"),
        "jobs.cancel": Text("取消作业", "job cancelled"),
        "jobs.end": Text("作业结束", "job ended"),
        "jobs.submit": Text("提交作业", "job submitted"),
        "protection.correct": Text("更正分级", "grade corrected"),
        "protection.grade": Text("自动分级", "columns graded"),
        "protection.lift": Text("解除限制", "restriction lifted"),
        "protection.restrict": Text("加以限制", "restricted"),
        "read": Text("读取", "read"),
        "read.close": Text("读取完毕", "read ended"),
        "tables.commit": Text("写入表", "table written"),
        "tables.compact": Text("压实表", "table compacted"),
        "tables.rollback": Text("回滚表", "table rolled back"),
    },
    "exit": {
        "chart": Text("图表", "chart"),
        "download": Text("下载", "download"),
        "page": Text("页面", "page"),
        "preview": Text("预览", "preview"),
        "return_file": Text("退回文件", "return file"),
        "row_api": Text("数据接口", "row API"),
        "search": Text("搜索", "search"),
        "sql": Text("查询", "SQL"),
    },
    "field": {
        "name": Text("名称", "name"),
        "summary": Text("摘要", "summary"),
        "categories": Text("分类", "category"),
        "provider_code": Text("提供方代码", "provider code"),
        "inner_office": Text("内设机构", "office"),
        "contact": Text("联系", "contact"),
        "keywords": Text("关键词", "keywords"),
        "share_type": Text("共享类型", "sharing"),
        "share_condition": Text("共享条件", "sharing condition"),
        "share_method": Text("共享方式", "sharing method"),
        "no_share_basis": Text("不予共享的依据", "basis for not sharing"),
        "open_type": Text("开放类型", "opening"),
        "open_condition": Text("开放条件", "opening condition"),
        "licence": Text("许可", "licence"),
        "update_cycle": Text("更新周期", "update cycle"),
        "time_span": Text("时间范围", "time span"),
        "region_code": Text("区域", "region"),
        "related": Text("关联资源", "related"),
        "formats": Text("格式", "formats"),
        "level": Text("分级", "grade"),
        "items": Text("数据项", "item"),
        "type": Text("类型", "type"),
        "description": Text("含义", "meaning"),
    },
    "value": {
        "unconditional": Text("无条件共享", "shared with all"),
        "conditional": Text("有条件共享", "shared on conditions"),
        "not_shared": Text("不予共享", "not shared"),
        "unconditional_open": Text("无条件开放", "open to all"),
        "conditional_open": Text("有条件开放", "open on conditions"),
        "not_open": Text("不予开放", "not open"),
    },
    "decision": {"allow": Text("允许", "allowed"), "deny": Text("拒绝", "denied")},
}


def actions() -> tuple[str, ...]:
    """Return the actions that the log knows by a word, for the search field."""
    return tuple(_WORDS["action"])


def told(value: object) -> Text:
    """Return what people call the value of a metadata field, nothing for one that is empty."""
    if value is None:
        return Text("", "")
    if isinstance(value, list | tuple):
        return Text("、".join(map(str, value)), ", ".join(map(str, value)))
    return word("value", str(value))


def word(group: str, code: str | None) -> Text:
    """Return what people call a code; a code that has no word yet shows itself."""
    if not code:
        return Text("", "")
    return _WORDS[group].get(code, Text(code, code))
