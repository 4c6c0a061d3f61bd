"""What the console calls what the log says of itself and of reads."""

from __future__ import annotations

from typing import Final

from beijiang.kit import Text

__all__ = ["EVIDENCE_ACTIONS"]

EVIDENCE_ACTIONS: Final[dict[str, Text]] = {
    "evidence.check": Text("核验存证", "log verified"),
    "evidence.erase": Text("删除存证内容", "texts erased"),
    "evidence.export": Text("导出存证", "log exported"),
    "evidence.fork": Text("日志分叉", "log forked"),
    "evidence.hold_ask": Text("申请证据保全", "legal hold asked for"),
    "evidence.hold_confirm": Text("确认证据保全", "legal hold confirmed"),
    "evidence.hold_decline": Text("未同意证据保全", "legal hold declined"),
    "evidence.hold_lift": Text("解除证据保全", "legal hold lifted"),
    "evidence.hold_lift_ask": Text("申请解除证据保全", "end of a legal hold asked for"),
    "evidence.hold_lift_decline": Text("未同意解除证据保全", "end of a legal hold declined"),
    "evidence.key_retire": Text("日志密钥停用并销毁", "key of the log retired and destroyed"),
    "evidence.key_succeed": Text("更换日志密钥", "key of the log followed by another"),
    "evidence.lost": Text("存证缺失", "records lost"),
    "evidence.peer.distrust": Text("不再信任公钥", "key trusted no longer"),
    "evidence.peer.follow": Text("信任后继公钥", "key that follows trusted"),
    "evidence.peer.trust": Text("信任公钥", "key trusted"),
    "evidence.search": Text("查询存证", "log searched"),
    "evidence.unreadable": Text("暂存存证无法读取", "spooled records unreadable"),
    "evidence.witness": Text("为他人日志见证", "other log witnessed"),
    "read.close": Text("读取完毕", "read ended"),
    "read.refused": Text("读取未获准", "read refused"),
    "read.sent": Text("送出文件", "file sent"),
}
