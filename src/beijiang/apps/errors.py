"""What hosted applications refuse."""

from __future__ import annotations

from collections.abc import Sequence

from beijiang.kit import Conflict, Denied, Invalid, NotFound, Refused, Throttled, Unauthenticated, Unavailable

__all__ = [
    "bad_package",
    "bad_parameter",
    "consent_stale",
    "label_taken",
    "no_app",
    "no_client",
    "no_job",
    "no_page",
    "no_sockets",
    "no_subscription",
    "no_ticket",
    "not_emptied",
    "not_now",
    "not_subscribed",
    "over_plan",
    "own_client",
    "own_work",
    "people_only",
    "relay_busy",
    "relay_closed",
    "server_failed",
    "server_full",
    "server_held",
    "server_waits",
    "sign_on_refused",
    "table_other",
    "table_taken",
    "table_waits",
    "used_up",
    "visitor_slow",
    "wrong_client_state",
    "wrong_state",
]


def no_app() -> NotFound:
    """Return the error for an application that is missing, switched off, or not released to who asks: all look the same."""
    return NotFound(
        "没有这个应用，或者它没有向您发布。请在应用超市查看您可以使用的应用。",
        "There is no such application, or it is not released to you. See the application store for those you can use.",
        code="app_not_found",
    )


def no_page() -> NotFound:
    """Return the error for a page, card or end-point that an application does not have."""
    return NotFound("应用里没有这一页。", "The application has no such page.", code="app_page_not_found")


def no_job() -> NotFound:
    """Return the error for a job that the version in use does not have."""
    return NotFound("在用的版本里没有这个作业。", "The version in use has no such job.", code="app_job_not_found")


def table_waits(job: str, table: str) -> Conflict:
    """Return the error for a version whose pages read a table that its job has not filled yet."""
    return Conflict(
        f"这一版的页面读表“{table}”，它由作业 {job} 写入，现在还没有。请主办部门先在应用页按“先算表”，算完再发布。",
        f'Pages of this version read the table "{table}", which its job {job} fills and has not filled yet. Its department '
        "presses “Fill its tables” on the application's page first.",
        code="app_table_waits",
        detail={"job": job, "table": table},
    )


def table_taken(job: str, table: str, app: str, number: int) -> Conflict:
    """Return the error for a version that would fill a table of another one with something else."""
    return Conflict(
        f"作业 {job} 写入表“{table}”，应用 {app} 的第 {number} 版也写这张表，而内容不同。请在新的一版里给这个作业换一个表名；读者在用的表不变。",
        f'The job {job} fills the table "{table}", which version {number} of the application {app} fills with something else. Name '
        "another table in a new version; the table that readers have stays as it is.",
        code="app_table_taken",
        detail={"job": job, "table": table, "app": app, "version": number},
    )


def table_other(job: str, table: str, columns: Sequence[str]) -> Conflict:
    """Return the error for a table that is not what the job of a version makes."""
    return Conflict(
        f"表“{table}”没有列 {'、'.join(columns)}，不是作业 {job} 现在写的样子。请在新的一版里给这个作业换一个表名。",
        f'The table "{table}" has no column {", ".join(columns)}, so it is not what the job {job} makes. Name another table in a new '
        "version.",
        code="app_table_other",
        detail={"job": job, "table": table, "columns": [*columns]},
    )


def bad_package(zh: str, en: str) -> Invalid:
    """Return the error for an upload that is no bundle."""
    return Invalid(
        f"上传的文件不能用：{zh}。请把应用文件夹打成 zip 再上传。",
        f"The upload cannot be used: {en}. Pack the folder of the application as a zip and try again.",
        code="app_package",
    )


def bad_parameter(name: str, zh: str, en: str) -> Invalid:
    """Return the error for a value in the address that its parameter does not take; the value is not repeated."""
    return Invalid(
        f"参数“{name}”的值不能用：{zh}。",
        f"The value of parameter {name} cannot be used: {en}.",
        code="app_parameter",
        detail={"parameter": name},
    )


def wrong_state(zh: str, en: str) -> Conflict:
    """Return the error for a step that the state of a version does not allow."""
    return Conflict(zh, en, code="app_state")


def own_work() -> Denied:
    """Return the error for somebody who would decide on what he handed in himself."""
    return Denied(
        "提交人不能审核或发布自己提交的版本，请由另一位同事办理。",
        "Whoever submitted a version neither reviews nor releases it; ask a colleague.",
        code="app_self_approval",
    )


def used_up(seconds: int) -> Throttled:
    """Return the error for an application or a viewer over the quota of a minute."""
    return Throttled(
        f"访问太频繁，已达每分钟的限额，请 {seconds} 秒后再试。",
        f"That is over what a minute allows; try again in {seconds} seconds.",
        code="app_quota",
        detail={"retry_after": seconds},
    )


def not_now() -> Unavailable:
    """Return the error for a card whose turn did not come."""
    return Unavailable("当前访问较多，请稍后再试。", "Many ask at the moment; try again soon.", code="app_busy")


def no_client() -> NotFound:
    """Return the error for an application that is not registered, or none of the actor's business: both look the same."""
    return NotFound("没有登记这个外部应用。", "No such application is registered.", code="client_not_found")


def own_client() -> Denied:
    """Return the error for somebody who would approve what he handed in himself."""
    return Denied(
        "登记人不能审核自己登记的应用，请由另一位同事办理。",
        "Whoever registered an application does not review it; ask a colleague.",
        code="client_self_approval",
    )


def wrong_client_state(zh: str, en: str) -> Conflict:
    """Return the error for a step that the state of an application does not allow."""
    return Conflict(zh, en, code="client_state")


def sign_on_refused(why: str) -> Invalid:
    """Return the error for a wish to sign on that cannot be sent back to the application: it, or its address, is not known.

    The browser must not be sent to an address that nobody registered.
    """
    return Invalid(
        "这个登录请求不可用：应用没有登记、已停用，或回调地址与登记的不一致。请从应用重新登录；仍不行请联系应用的主办部门。",
        f"This sign-on cannot go on: the application is not registered, is suspended, or its address is another ({why}). Begin again from the application, or tell its department.",
        code="sign_on_refused",
    )


def label_taken(label: str) -> Conflict:
    """Return the error for a name of a host that another application holds."""
    return Conflict(
        f"访问名 {label} 已被另一个应用登记，请换一个。",
        f"The name {label} is registered for another application; choose another.",
        code="client_label_taken",
    )


def consent_stale() -> Conflict:
    """Return the error for a button whose page showed something else, or showed it too long ago; nothing was agreed to."""
    return Conflict(
        "这个授权页面已失效，或应用的登记在此期间改变了，没有授权任何内容。请回到应用重新登录。",
        "This page is no longer good, or the application was changed meanwhile; nothing was agreed to. Begin again from the application.",
        code="consent_stale",
    )


def no_subscription() -> NotFound:
    """Return the error for a subscription that is not there, or none of the actor's business."""
    return NotFound("没有这项订阅。", "There is no such subscription.", code="subscription_not_found")


def no_ticket() -> Unauthenticated:
    """Return the error for a visit that does not hold: never begun, over, or of another browser or application."""
    return Unauthenticated(
        "您还没有进入这个应用，或者会话已结束。请从平台重新打开它。",
        "You have not entered this application, or the visit is over. Open it again from the platform.",
        code="visit_over",
    )


def no_sockets() -> Refused:
    """Return the error for a WebSocket."""
    return Refused(
        "平台不代理 WebSocket：这种连接没有逐次核对权限的时机。请改用普通请求或服务端推送（SSE）。",
        "WebSocket is not relayed: such a connection has no moment at which rights are looked at again. Use requests or server-sent events.",
        code="relay_socket",
    )


def relay_busy() -> Unavailable:
    """Return the error for an application that has all the exchanges it may have at once."""
    return Unavailable(
        "访问这个应用的人较多，请稍后再试。",
        "Many visit this application at the moment; try again soon.",
        code="relay_busy",
    )


def visitor_slow() -> Unavailable:
    """Return the error for a visitor who neither sends nor takes what belongs to an exchange in its time."""
    return Unavailable(
        "在规定时间内没有收完您的请求，或您没有收完回答，连接已断开。请重试。",
        "The request did not arrive, or the answer was not taken, in its time, so the exchange was ended. Try again.",
        code="visitor_slow",
    )


def server_failed() -> Unavailable:
    """Return the error for an application's server that does not begin or ended; its words are for its department alone."""
    return Unavailable(
        "应用的服务没有启动或已退出。请稍后再试；主办部门可在应用页查看它的日志。",
        "The server of this application did not begin, or ended. Try again later; its department reads its log on the application's page.",
        code="server_failed",
    )


def server_held() -> Unavailable:
    """Return the error for an application's server that somebody stopped."""
    return Unavailable(
        "应用的服务已由负责人员停止，页面不受影响。请联系它的主办部门；在应用页面点“启动”后即可恢复。",
        "The server of this application was stopped; its pages are not touched. Tell its department; it runs again once they start it on the application's page.",
        code="server_held",
    )


def server_full() -> Unavailable:
    """Return the error for an application's server whose own folder holds more than it may."""
    return Unavailable(
        "应用的服务写满了自己的目录，已停止。请联系它的主办部门；在应用页面清空目录后即可恢复。",
        "The server of this application has filled its own folder and was stopped. Tell its department; it runs again when they have emptied the folder on the application's page.",
        code="server_full",
    )


def not_emptied() -> Unavailable:
    """Return the error for a server's own folder of which some was put aside and could not be removed."""
    return Unavailable(
        "应用的服务已有新的空目录，但旧目录中有文件删不掉。请联系平台管理员，在应用服务目录下删除 aside- 开头的文件夹。",
        "The server has a new, empty folder, but some of the old one could not be removed. Tell the operator, who removes what begins with aside- in the folder of the server.",
        code="server_left",
    )


def people_only() -> Denied:
    """Return the error for an application that asks another application's server: what it may do would not hold there."""
    return Denied(
        "应用的服务只回答本人：请本人登录，或用本人的 API 密钥访问；应用的令牌不能用于此处。",
        "The server of an application answers people only: sign in, or use an API key of your own; an application's token does not open it.",
        code="server_people_only",
    )


def server_waits(seconds: int) -> Unavailable:
    """Return the error for an application's server that ended by itself and is not begun again yet."""
    return Unavailable(
        f"应用的服务刚刚退出，{seconds} 秒后会重新启动。请稍后再试。",
        f"The server of this application has just ended and begins again in {seconds} seconds. Try again then.",
        code="server_waits",
        detail={"retry_after": seconds},
    )


def relay_closed() -> Refused:
    """Return the error for an application whose address may not be reached."""
    return Refused(
        "平台不能连接这个应用的地址。请联系应用的主办部门，由安全管理员放行该地址（用途：调用服务）。",
        "The platform may not reach the address of this application. Tell its department; the security administrator allows addresses (use: call).",
        code="relay_closed",
    )


def not_subscribed(api: str) -> Denied:
    """Return the error for an application that calls an API that it has not subscribed to."""
    return Denied(
        f"应用没有订阅接口 {api}，或订阅未通过、已终止。请主办部门在“外部应用”里订阅。",
        f"The application has no subscription to {api} that holds. Its department subscribes under “Outside applications”.",
        code="client_not_subscribed",
        detail={"api": api},
    )


def over_plan(seconds: int) -> Throttled:
    """Return the error for an application over its plan."""
    return Throttled(
        f"已达订阅套餐的限额，请 {seconds} 秒后再试，或申请更大的套餐。",
        f"That is over the plan of the subscription; try again in {seconds} seconds, or ask for a larger plan.",
        code="client_quota",
        detail={"retry_after": seconds},
    )
