"""Why nodes cannot be linked, or a letter is not taken."""

from __future__ import annotations

from beijiang.kit import (
    BeijiangError,
    Conflict,
    Denied,
    Invalid,
    NotFound,
    Refused,
    Text,
    TooLarge,
    Unauthenticated,
    Unavailable,
)

__all__ = [
    "answer_unsigned",
    "bad_division",
    "bad_entry_id",
    "bad_invitation_use",
    "bad_signature",
    "clock_skew",
    "data_are_here",
    "entries_many",
    "grant_over",
    "identity_missing",
    "identity_taken",
    "letter_too_large",
    "no_dispute_there",
    "no_entry",
    "no_letter",
    "no_node",
    "no_parcel",
    "node_known",
    "not_above",
    "not_from_below",
    "not_from_there",
    "not_linked",
    "nothing_granted",
    "parcel_not_there",
    "parcels_many",
    "replayed",
    "told_departments_many",
    "unknown_kind",
    "wrong_fingerprint",
    "wrong_tiers",
]


def identity_missing() -> Conflict:
    """Return: this platform has not said which node it is."""
    return Conflict(
        "本平台尚未填写节点身份。请安全管理员先在“平台 → 三级联动”或用 beijiang federation identity 填写。",
        "This platform has not said which node it is. Have the security administrator fill that in first: Platform → Linkage, or beijiang federation identity.",
        code="node_identity_missing",
    )


def identity_taken() -> Conflict:
    """Return: the id cannot change while others know it."""
    return Conflict(
        "还有未断开的联结，节点编号和层级不能改。请先断开全部联结。",
        "There are links that have not ended, so the id and tier of this node cannot change. End them first.",
        code="node_identity_in_use",
    )


def no_node() -> NotFound:
    """Return: no such node is linked, or was."""
    return NotFound(
        "没有联结这个节点。请在“三级联动”页查看节点编号。",
        "No such node is linked. See the ids of nodes on the linkage page.",
        code="node_not_found",
    )


def no_letter() -> NotFound:
    """Return: no such letter, or none that can be sent again."""
    return NotFound(
        "没有这封可以重发的信件。只有发出后未办理或被退回的信件可以重发。",
        "There is no such letter to send again. Only letters that wait or were refused are.",
        code="letter_not_found",
    )


def node_known(node_id: str) -> Conflict:
    """Return: there is a link to it already."""
    return Conflict(
        f"与节点 {node_id} 的联结已存在。请先断开，再重新联结。",
        f"There is a link to the node {node_id} already. End it before you link anew.",
        code="node_known",
    )


def parted() -> Text:
    """Return: the link ended before a letter was answered."""
    return Text(
        "与对方节点的联结已断开，信件未获答复。重新联结后请另行办理。",
        "The link to the other node ended before it answered. Try anew once the nodes are linked again.",
    )


def not_linked(node_id: str) -> Conflict:
    """Return: letters cannot be written to it."""
    return Conflict(
        f"与节点 {node_id} 尚未联结或已断开，不能发信。请双方先完成联结。",
        f"The node {node_id} is not linked, or no longer; no letter can be written to it. Both sides have to link first.",
        code="node_not_linked",
    )


def bad_division() -> Invalid:
    """Return: that is no beginning of a category code."""
    return Invalid(
        "类目代码由字母和数字组成，最多 50 个。请照“目录类目”填写代码的开头，留空为全部。",
        "Codes of divisions are letters and digits, at most 50. Give the beginnings of category codes, or none for all.",
        code="bad_division",
    )


def no_entry() -> NotFound:
    """Return: no linked node told such an entry."""
    return NotFound(
        "没有这条联动目录，或其节点已断开。请在“找数据”中查找。",
        "No linked node told such an entry, or its link has ended. Look for it under Find data.",
        code="linked_entry_not_found",
    )


def not_above() -> Invalid:
    """Return: catalogs are told upwards only."""
    return Invalid(
        "目录只上报给上级节点。请选择上级节点。",
        "Catalogs are told to nodes above only. Choose a node above.",
        code="not_above",
    )


def not_from_below() -> Denied:
    """Return: catalogs are taken from below only."""
    return Denied(
        "本节点只收下级节点上报的目录。请核对双方登记的上下级关系。",
        "This node takes catalogs from nodes below only. See which side is above as both have it.",
        code="not_from_below",
    )


def entries_many(most: int) -> Refused:
    """Return: there is no room for one more entry of that node."""
    return Refused(
        f"上级节点最多保留本节点 {most} 条有效目录，已满，这条没有收下。请联系上级系统管理员调高 linkage_entries_most；调高后，下一次每日比对会自动补齐。",
        f"The node above keeps at most {most} entries of this one, and there is no room for this. Have its system administrator raise linkage_entries_most; the next daily comparison then brings what is lacking.",
        code="entries_many",
        detail={"most": most},
    )


def told_departments_many(most: int) -> Refused:
    """Return: there is no room for one more department of that node."""
    return Refused(
        f"上级节点最多保留本节点 {most} 个部门的目录，这个部门的没有收下。请联系上级系统管理员调高 linkage_departments_most；调高后，下一次每日比对会自动补齐。",
        f"The node above keeps the entries of at most {most} departments of this one, and not of this department. Have its system administrator raise linkage_departments_most; the next daily comparison then brings what is lacking.",
        code="told_departments_many",
        detail={"most": most},
    )


def wrong_tiers() -> Invalid:
    """Return: above and below do not fit the tiers."""
    return Invalid(
        "上级节点的层级数应小于下级（1 自治区，2 盟市，3 旗县）。请核对双方层级和上下级关系。",
        "The node above has the smaller number of tier (1 region, 2 league or city, 3 county). See the tiers of both, and which is above.",
        code="wrong_tiers",
    )


def wrong_fingerprint() -> Denied:
    """Return: another key answers than the one that invited."""
    return Denied(
        "该地址应答的公钥与邀请码中的不一致，没有联结。请电话核对地址，或请对方重新邀请；若仍不一致，可能有人冒充。",
        "The key that answers at this address is not the one of the invitation; nothing was linked. Check the address by phone, or have a new invitation made; if it happens again somebody may pretend to be that node.",
        code="wrong_fingerprint",
    )


def bad_invitation_use() -> Denied:
    """Return: the invitation is used up, expired, or for another node."""
    return Denied(
        "邀请码已用过、已过期，或不是发给这个节点的。请对方重新邀请。",
        "The invitation was used, has expired, or is for another node. Ask the other side for a new one.",
        code="bad_invitation_use",
    )


def bad_signature() -> Unauthenticated:
    """Return: no key that is known for the node signed this."""
    return Unauthenticated(
        "签名不是已联结节点的有效公钥所签。若对方更换过密钥或重装，请断开后重新联结。",
        "No valid key of a linked node signed this. If that node changed its key by hand or was installed anew, end the link and link again.",
        code="bad_node_signature",
    )


def not_from_there() -> Denied:
    """Return: it is meant for somebody else, or altered on the way."""
    return Denied(
        "内容在途中被改动，或不是发给本节点的，没有收下。",
        "It was altered on the way, or is not for this node; nothing was taken.",
        code="node_body_altered",
    )


def clock_skew(now: str) -> Denied:
    """Return: the moment of signing is too far from now."""
    return Denied(
        f"签名时间与本节点时间（{now}）相差超过 5 分钟。请双方校准服务器时间。",
        f"It was signed more than 5 minutes from the time here ({now}). Set the clocks of both servers right.",
        code="node_clock_skew",
        detail={"now": now},
    )


def replayed() -> Denied:
    """Return: these very bytes came before."""
    return Denied(
        "同一请求已收到过，没有再办理。", "The same request came before; it was not taken again.", code="node_replayed"
    )


def letter_too_large(limit: int) -> TooLarge:
    """Return: the letter is over the limit."""
    return TooLarge(
        f"信件超过上限 {limit >> 10} KB，请拆分。",
        f"The letter is over the limit of {limit >> 10} KB; split it.",
        code="letter_too_large",
        detail={"limit_bytes": limit},
    )


def unknown_kind(kind: str) -> BeijiangError:
    """Return: nobody here reads such letters."""
    return Conflict(
        f"对方平台不认识这种信件（{kind}），可能版本较旧。请对方升级后重发。",
        f"The other platform does not know such letters ({kind}); it may be an older release. Send it again when that is upgraded.",
        code="unknown_letter_kind",
    )


def answer_unsigned(status: int) -> Unavailable:
    """Return: whoever answered is not the node."""
    return Unavailable(
        f"对方的答复没有有效签名（状态码 {status}），稍后自动重试。请核对地址，以及中间有无代理或登录页。",
        f"The answer has no valid signature of the node (status {status}); it is tried again. Check the address, and whether a proxy or a sign-in page stands between.",
        code="node_answer_unsigned",
        detail={"status": status},
    )


def nothing_granted() -> Conflict:
    """Return: no data can be wanted on a request."""
    return Conflict(
        "对方节点还没有给出授权，或授权已经终止，不能索取数据。请看申请页上的办理情况，需要时重新申请。",
        "The other node has granted nothing on this request, or the grant ended. See how it stands on its page; ask anew if need be.",
        code="nothing_granted",
    )


def grant_over(state: Text) -> Conflict:
    """Return: the grant does not hold now."""
    return Conflict(
        f"授权现为“{state.zh}”，不能取用数据。仍需使用的，请重新申请。",
        f"The grant is {state.en}; its data cannot be had. Ask anew if you need them.",
        code="grant_over",
    )


def parcels_many(most: int) -> Conflict:
    """Return: too many parcels are on their way."""
    return Conflict(
        f"这件申请已有 {most} 份数据在途或待领取，请先领取。",
        f"{most} parcels of this request are on their way or wait; collect them first.",
        code="parcels_many",
    )


def no_parcel() -> NotFound:
    """Return: there is no such parcel, or it is not that node's or person's."""
    return NotFound(
        "没有这份数据，或者不是向您送来的。请在申请页上查看。",
        "There is no such parcel, or it is not yours. See the page of the request.",
        code="parcel_not_found",
    )


def parcel_not_there(state: Text) -> Conflict:
    """Return: a parcel cannot be collected as it stands."""
    return Conflict(
        f"这份数据现为“{state.zh}”，不能领取。领取只有一次；再要请重新索取。",
        f"This parcel is: {state.en}. It is collected once; ask for another.",
        code="parcel_not_there",
    )


def no_dispute_there() -> Conflict:
    """Return: there is no dispute to go on with."""
    return Conflict("没有正在办理的异议。", "There is no dispute to go on with.", code="no_dispute_there")


def data_are_here() -> Conflict:
    """Return: an entry with a table is not another node's."""
    return Conflict(
        "这条目录在本节点有数据表，不能登记为其他节点的数据。",
        "The entry has a table here, so its data are not another node's.",
        code="data_are_here",
    )


def bad_entry_id() -> Invalid:
    """Return: that is no id of an entry."""
    return Invalid(
        "请填写对方节点上的目录标识（字母、数字、下划线，最长 40 个字符）。",
        "Give the id of the entry at the other node: letters, digits, underscore, at most 40.",
        code="bad_entry_id",
    )
