"""What the console calls the steps of applications in the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from beijiang.kit import Text

__all__ = ["APP_ACTIONS"]

APP_ACTIONS: Final[Mapping[str, Text]] = {
    "apps.app_approve": Text("应用审核通过", "application approved"),
    "apps.app_audience": Text("改应用的发布范围", "application given to other readers"),
    "apps.app_off": Text("停用应用", "application switched off"),
    "apps.app_on": Text("启用应用", "application switched on"),
    "apps.app_release": Text("发布应用", "application released"),
    "apps.app_return": Text("退回应用", "application sent back"),
    "apps.app_rollback": Text("回退应用", "application rolled back"),
    "apps.app_submit": Text("提交应用", "application submitted"),
    "apps.canary_begin": Text("试发新版本", "version on trial"),
    "apps.canary_promote": Text("试发版本转正", "trial promoted"),
    "apps.canary_withdraw": Text("撤回试发版本", "trial withdrawn"),
    "apps.client_approve": Text("外部应用审核通过", "outside application approved"),
    "apps.client_change": Text("变更外部应用", "outside application changed"),
    "apps.client_consent": Text("同意应用登录", "consent to an application"),
    "apps.client_consent_back": Text("收回对应用的授权", "consent taken back"),
    "apps.client_down": Text("外部应用故障", "outside application does not answer"),
    "apps.client_enter": Text("进入外部应用", "outside application entered"),
    "apps.client_farewell": Text("通知应用退出", "application told of a sign-out"),
    "apps.client_register": Text("登记外部应用", "outside application registered"),
    "apps.client_replay": Text("令牌或授权码被重复使用", "code or token used twice"),
    "apps.client_resume": Text("恢复外部应用", "outside application let go on"),
    "apps.client_return": Text("退回外部应用", "outside application sent back"),
    "apps.client_secret": Text("生成应用密钥", "application secret made"),
    "apps.client_secrets_end": Text("作废应用密钥", "application secrets ended"),
    "apps.client_sign_on": Text("登录外部应用", "sign-on to an application"),
    "apps.client_subscribe": Text("订阅接口", "API subscribed to"),
    "apps.client_subscription": Text("订阅变更", "subscription decided or ended"),
    "apps.client_suspend": Text("停用外部应用", "outside application suspended"),
    "apps.client_up": Text("外部应用恢复", "outside application answers again"),
    "apps.job_alert": Text("应用发出提醒", "an application raised an alert"),
    "apps.job_fail": Text("应用的作业开始失败", "a job of an application began to fail"),
    "apps.job_recover": Text("应用的作业恢复正常", "a job of an application works again"),
    "apps.rating_answer": Text("回复应用评价", "rating of an application answered"),
    "apps.rating_give": Text("评价应用", "application rated"),
    "apps.rating_hide": Text("隐藏应用评价", "rating of an application hidden"),
    "apps.rating_remove": Text("撤回应用评价", "rating of an application taken back"),
    "apps.rating_show": Text("恢复应用评价", "rating of an application shown again"),
    "apps.server_clear": Text("清空应用服务的工作目录", "folder of an application's server emptied"),
    "apps.server_restart": Text("重启应用的服务", "server of an application begun anew"),
    "apps.server_start": Text("启动应用的服务", "server of an application started"),
    "apps.server_stop": Text("停止应用的服务", "server of an application stopped"),
    "apps.signing_key": Text("更换签名密钥", "signing key renewed"),
}
