"""What may be done (``scope:resource:action``, in alphabetical order) and in which roles people do it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Self

from beijiang.kit import Text

if TYPE_CHECKING:
    from collections.abc import Iterable


class Permission(StrEnum):
    """One thing that a verb asks for; each has a line of description in both languages."""

    text: Text

    def __new__(cls, value: str, zh: str = "", en: str = "") -> Self:
        """Make a member that is its own string and carries its description."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.text = Text(zh, en)
        return member

    ACCESS_ADMINISTRATOR_MANAGE = (
        "access:administrator:manage",
        "任免三员并重置其凭据",
        "appoint administrators and reset their credentials",
    )
    ACCESS_KEY_ISSUE = "access:key:issue", "为自己签发 API 密钥", "issue an API key to oneself"
    ACCESS_KEY_MANAGE = "access:key:manage", "查看并吊销他人的 API 密钥", "list and revoke the API keys of others"
    ACCESS_MEMBER_CONFIRM = "access:member:confirm", "确认公众注册", "confirm registrations of the public"
    ACCESS_ORGANISATION_MANAGE = "access:organisation:manage", "维护组织机构", "maintain organisations"
    ACCESS_ORGANISATION_READ = "access:organisation:read", "查看组织机构", "see organisations"
    ACCESS_PASSWORD_CHANGE = "access:password:change", "修改自己的口令", "change one's own password"
    ACCESS_PERSON_MANAGE = "access:person:manage", "建立、停用、重置账号", "create, disable and reset accounts"
    ACCESS_PERSON_READ = "access:person:read", "查看人员", "see people"
    ACCESS_ROLE_ASSIGN = "access:role:assign", "分配角色", "assign roles"
    ACCESS_SECRET_ROTATE = "access:secret:rotate", "更换数据源口令的根密钥", "renew the root key of sealed secrets"
    ACCESS_TARGET_ALLOW = "access:target:allow", "放行内部访问目标", "open inner machines and folders to sources"
    ACCESS_TARGET_READ = "access:target:read", "查看内部访问目标", "see which inner machines and folders are open"
    APPS_APP_BUILD = "apps:app:build", "编写与提交应用", "write and submit hosted applications"
    APPS_APP_OPEN = "apps:app:open", "打开已发布的应用", "open applications that are released"
    APPS_APP_RELEASE = "apps:app:release", "发布、回退、停用应用", "release, roll back and switch off applications"
    APPS_APP_REVIEW = "apps:app:review", "审核应用", "review applications"
    APPS_CLIENT_REGISTER = "apps:client:register", "登记外部应用", "register applications written elsewhere"
    APPS_CLIENT_REVIEW = "apps:client:review", "审核外部应用", "review applications written elsewhere"
    APPS_CLIENT_SIGN_ON = (
        "apps:client:sign_on",
        "用平台账号登录外部应用",
        "sign on to applications with the account here",
    )
    ASSESS_FIGURE_APPROVE = "assess:figure:approve", "审批统计指标数值", "approve values of statistical indicators"
    ASSESS_FIGURE_MANAGE = (
        "assess:figure:manage",
        "维护统计指标与目标、填报数值",
        "keep statistical indicators and targets, and report values",
    )
    ASSESS_FIGURE_READ = "assess:figure:read", "查看统计指标", "see statistical indicators"
    ASSESS_PLAN_MANAGE = "assess:plan:manage", "督办工作计划", "supervise the work plan"
    ASSESS_PLAN_READ = "assess:plan:read", "查看工作计划", "see the work plan"
    ASSESS_PLAN_REPORT = "assess:plan:report", "填报任务进展", "report progress of tasks"
    ASSESS_SCORE_APPEAL = "assess:score:appeal", "对考核结果申诉", "appeal against a score"
    ASSESS_SCORE_MANAGE = (
        "assess:score:manage",
        "计算与冻结考核结果、提出权重、答复申诉",
        "compute and freeze scores, propose weights, answer appeals",
    )
    ASSESS_SCORE_READ = "assess:score:read", "查看考核结果", "see scores and the facts behind them"
    ASSESS_WEIGHTS_APPROVE = "assess:weights:approve", "审批考核权重", "approve the weights of indicators"
    CATALOG_FIELD_DECLARE = "catalog:field:declare", "声明目录扩展字段", "declare further fields of catalog entries"
    CATALOG_RESOURCE_APPROVE = "catalog:resource:approve", "审核通过目录资源", "approve a catalog resource"
    CATALOG_RESOURCE_EDIT = "catalog:resource:edit", "编辑目录资源", "edit a catalog resource"
    CATALOG_RESOURCE_ENDORSE = (
        "catalog:resource:endorse",
        "部门内审核目录资源",
        "endorse a catalog resource inside the department",
    )
    CATALOG_RESOURCE_PUBLISH = "catalog:resource:publish", "发布目录资源", "publish a catalog resource"
    CATALOG_RESOURCE_READ = "catalog:resource:read", "查看未公开的目录资源", "see catalog resources that are not public"
    CATALOG_RESOURCE_REGISTER = "catalog:resource:register", "登记目录资源", "register a catalog resource"
    CATALOG_RESOURCE_REMARK = "catalog:resource:remark", "批注目录资源", "comment on a catalog resource under review"
    CATALOG_RESOURCE_RETURN = "catalog:resource:return", "退回目录资源", "return a catalog resource for mending"
    CATALOG_RESOURCE_SEARCH = "catalog:resource:search", "检索已公开的目录", "search the public catalog"
    CATALOG_RESOURCE_SUBMIT = "catalog:resource:submit", "提交目录资源审核", "submit a catalog resource for review"
    CATALOG_RESOURCE_WITHDRAW = "catalog:resource:withdraw", "撤回已发布的目录资源", "withdraw a published resource"
    CATALOG_TASK_READ = "catalog:task:read", "查看自己的待办", "see one's own tasks"
    CONTRACTS_CONTRACT_APPROVE = "contracts:contract:approve", "批准数据契约", "approve a data contract"
    CONTRACTS_CONTRACT_MANAGE = "contracts:contract:manage", "起草与提交数据契约", "draft and propose data contracts"
    CONTRACTS_CONTRACT_READ = "contracts:contract:read", "查看数据契约", "see data contracts"
    DESK_VIEW_KEEP = "desk:view:keep", "存自己的列表视图", "keep one's own views of lists"
    EVIDENCE_HOLD_SET = "evidence:hold:set", "设定和解除证据保全", "set and lift legal holds"
    EVIDENCE_LOG_CHECK = "evidence:log:check", "核验存证", "verify the evidence log"
    EVIDENCE_LOG_ERASE = "evidence:log:erase", "删除过期存证的内容", "erase the text of evidence past its clock"
    EVIDENCE_LOG_EXPORT = "evidence:log:export", "导出存证", "export the evidence log"
    EVIDENCE_LOG_READ = "evidence:log:read", "查询存证", "search the evidence log"
    EVIDENCE_PEER_MANAGE = "evidence:peer:manage", "维护存证的见证方", "trust witnesses and witness other logs"
    EVIDENCE_RECEIPT_READ = "evidence:receipt:read", "取得自己的回执", "fetch one's own receipts"
    EVIDENCE_TREE_READ = "evidence:tree:read", "查看存证的封存与见证", "see how evidence is sealed and witnessed"
    EXCHANGE_GRANT_GIVE = "exchange:grant:give", "主动授权", "give a grant that nobody asked for"
    EXCHANGE_GRANT_MANAGE = "exchange:grant:manage", "暂停、收窄、撤销授权", "suspend, narrow and revoke grants"
    EXCHANGE_GRANT_READ = "exchange:grant:read", "查看授权", "see grants"
    EXCHANGE_OPENING_SET = "exchange:opening:set", "设定有条件开放的条件", "set the conditions of conditional openings"
    EXCHANGE_PUSH_DIRECT = "exchange:push:direct", "登记和指挥主动推送", "register pushes and direct where they go"
    EXCHANGE_REQUEST_ADVISE = "exchange:request:advise", "对共享申请提出意见", "give an opinion on a share request"
    EXCHANGE_REQUEST_CONFIRM = (
        "exchange:request:confirm",
        "审定敏感或跨层级的共享申请",
        "decide on share requests that are sensitive or across levels",
    )
    EXCHANGE_REQUEST_DECIDE = "exchange:request:decide", "决定共享申请", "decide on a share request for its provider"
    EXCHANGE_REQUEST_DELEGATE = "exchange:request:delegate", "委托他人代办审批", "let somebody decide in one's place"
    EXCHANGE_REQUEST_MAKE = "exchange:request:make", "申请数据共享", "ask for data"
    EXCHANGE_REQUEST_READ = "exchange:request:read", "查看共享申请", "see share requests"
    EXCHANGE_REQUEST_REVIEW = "exchange:request:review", "对共享申请作符合性审查", "review share requests formally"
    EXCHANGE_SERVICE_MANAGE = (
        "exchange:service:manage",
        "登记、测试、发布服务接口",
        "register, test and offer services of one's department",
    )
    EXCHANGE_SERVICE_READ = "exchange:service:read", "查看服务接口", "see services of departments and how they run"
    EXCHANGE_SERVING_MANAGE = "exchange:serving:manage", "设置服务副本", "have serving copies of tables made"
    EXCHANGE_TEMPLATE_ISSUE = "exchange:template:issue", "下发标准目录", "issue standard entries to units below"
    EXCHANGE_TRACE_RUN = "exchange:trace:run", "追踪泄露的文件", "trace a file that got out"
    FEDERATION_CATALOG_OFFER = (
        "federation:catalog:offer",
        "决定向上级节点上报哪些目录",
        "decide which entries are told to nodes above",
    )
    FEDERATION_LETTER_RESEND = "federation:letter:resend", "重发节点间信件", "send letters between nodes again"
    FEDERATION_NODE_LINK = (
        "federation:node:link",
        "填写本节点身份，联结、暂停、断开上下级节点",
        "say which node this is; link, suspend and end links to nodes above and below",
    )
    FEDERATION_NODE_READ = "federation:node:read", "查看三级联动节点与信件", "see linked nodes and their letters"
    FUSION_CLAIM_DECIDE = (
        "fusion:claim:decide",
        "确认数源部门、裁定异议",
        "confirm source departments and rule on objections",
    )
    FUSION_CLAIM_RAISE = "fusion:claim:raise", "申报数源、提出异议", "declare to be a source, and object"
    FUSION_LIBRARY_MANAGE = "fusion:library:manage", "维护基础库与主题库", "maintain base and theme libraries"
    FUSION_LIBRARY_READ = "fusion:library:read", "查看基础库与主题库", "see base and theme libraries"
    FUSION_PAIR_DECIDE = "fusion:pair:decide", "判定疑似重复", "decide whether records are the same"
    FUSION_SOURCE_AGREE = "fusion:source:agree", "同意本部门的表入库", "agree that a table serves a library"
    INGEST_ALERT_ACKNOWLEDGE = "ingest:alert:acknowledge", "确认告警", "acknowledge an alert"
    INGEST_CELL_READ = "ingest:cell:read", "查看单元格原文", "see the raw text of a cell"
    INGEST_FILE_LAND = "ingest:file:land", "上传文件", "hand in a file"
    INGEST_FILE_PREVIEW = "ingest:file:preview", "预览上传的文件", "preview a file handed in"
    INGEST_MESSAGE_SEND = "ingest:message:send", "向数据流推送消息", "post messages to a stream"
    INGEST_QUARANTINE_MEND = (
        "ingest:quarantine:mend",
        "修正、退回、忽略隔离区的行",
        "mend, send back and dismiss quarantined rows",
    )
    INGEST_QUARANTINE_READ = "ingest:quarantine:read", "查看隔离区与退回文件", "see quarantined rows and return files"
    INGEST_RUN_CANCEL = "ingest:run:cancel", "取消汇聚任务", "cancel an ingest run"
    INGEST_RUN_READ = "ingest:run:read", "查看汇聚任务", "see ingest runs"
    INGEST_RUN_SUBMIT = "ingest:run:submit", "提交汇聚任务", "submit an ingest run"
    INGEST_SOURCE_MANAGE = (
        "ingest:source:manage",
        "维护数据源与取数任务",
        "maintain sources and what is taken from them",
    )
    INGEST_SOURCE_READ = "ingest:source:read", "查看数据源与取数任务", "see sources and what is taken from them"
    JOBS_JOB_CANCEL = "jobs:job:cancel", "取消作业", "cancel a job"
    JOBS_JOB_READ = "jobs:job:read", "查看作业", "see jobs"
    JOBS_JOB_SUBMIT = "jobs:job:submit", "提交作业", "submit a job"
    LINEAGE_EVENT_SEND = "lineage:event:send", "报送血缘事件", "send lineage events"
    LINEAGE_GRAPH_READ = "lineage:graph:read", "查看血缘", "see where data came from and go to"
    MINING_ALERT_HANDLE = "mining:alert:handle", "处理读数预警", "handle alerts of readings"
    MINING_ALERT_READ = "mining:alert:read", "查看读数预警与规则", "see alerts of readings and their rules"
    MINING_FORECAST_MANAGE = "mining:forecast:manage", "维护预测", "maintain forecasts"
    MINING_FORECAST_READ = "mining:forecast:read", "查看预测与回测", "see forecasts and their back-tests"
    MINING_GRAPH_MANAGE = "mining:graph:manage", "声明关系图", "declare graphs of relations"
    MINING_GRAPH_READ = "mining:graph:read", "查询关系图", "ask graphs of relations"
    MINING_MODEL_APPROVE = "mining:model:approve", "审批模型", "approve models"
    MINING_MODEL_BUILD = (
        "mining:model:build",
        "建立特征视图、训练集、模型与评分",
        "build feature views, training sets, models and scores",
    )
    MINING_MODEL_READ = "mining:model:read", "查看模型与训练集", "see models and training sets"
    MINING_MODEL_RETIRE = "mining:model:retire", "让模型退役", "retire models"
    MINING_RULE_MANAGE = "mining:rule:manage", "维护数据流预警规则", "keep the rules on streams"
    MINING_TEXT_KEEP = "mining:text:keep", "收存文档、标注类别", "keep documents and give them classes"
    MINING_TEXT_READ = "mining:text:read", "查看与分析文档", "see and analyse documents"
    NOTICES_MAIL_MANAGE = "notices:mail:manage", "设置邮件发送", "set up how mail is sent"
    NOTICES_OWN_READ = "notices:own:read", "查看自己的通知", "read one's own notices"
    OPENDATA_APPLICATION_MAKE = (
        "opendata:application:make",
        "以公众身份申请有条件开放的数据",
        "apply for conditionally open data as a member of the public",
    )
    OPENDATA_DATASET_READ = "opendata:dataset:read", "浏览开放数据集", "look at open datasets"
    OPENDATA_OWN_KEEP = "opendata:own:keep", "收藏、评分、附议、提交成果", "keep favourites, rate, support, show works"
    OPENDATA_PORTAL_MANAGE = (
        "opendata:portal:manage",
        "管理门户互动与内容",
        "look after what the public says and what the portal shows",
    )
    OPENDATA_VOICE_ANSWER = "opendata:voice:answer", "答复公众反馈与需求", "answer feedback and requests of the public"
    OPENDATA_VOICE_RAISE = "opendata:voice:raise", "提出反馈与需求", "give feedback and ask for data"
    PLATFORM_HEALTH_READ = "platform:health:read", "查看运行状况", "see the state of the installation"
    PLATFORM_SETTINGS_READ = "platform:settings:read", "查看系统设置", "see the settings of the installation"
    PROTECTION_GRADE_APPROVE = (
        "protection:grade:approve",
        "决定分级的降低",
        "decide on what would lower a grade",
    )
    PROTECTION_GRADE_CORRECT = "protection:grade:correct", "更正数据项分级", "correct the grade of a column"
    PROTECTION_GRADE_READ = "protection:grade:read", "查看数据项分级", "see the grades of columns"
    PROTECTION_PRIVATE_APPROVE = (
        "protection:private:approve",
        "同意最高级别数据项的差分隐私查询",
        "agree to noisy statistics of columns of the highest grade",
    )
    PROTECTION_PRIVATE_ASK = "protection:private:ask", "差分隐私查询", "ask for noisy statistics"
    PROTECTION_PRIVATE_OFFER = (
        "protection:private:offer",
        "开放本部门数据的差分隐私查询",
        "offer the own department's tables for noisy statistics",
    )
    PROTECTION_QUEUE_MANAGE = "protection:queue:manage", "查看并停止他人的查询", "see and stop the queries of others"
    PROTECTION_ROWS_READ_GRANTED = (
        "protection:rows:read_granted",
        "读取获授权的数据",
        "read rows under a grant",
    )
    PROTECTION_ROWS_READ_OPEN = (
        "protection:rows:read_open",
        "读取已开放的数据",
        "read rows of released open data",
    )
    PROTECTION_ROWS_READ_OWN = "protection:rows:read_own", "读取本部门的数据", "read rows of one's own organisation"
    PROTECTION_ROWS_READ_SHARED = (
        "protection:rows:read_shared",
        "读取无条件共享的数据",
        "read rows shared unconditionally inside government",
    )
    PROTECTION_ROWS_REVIEW = "protection:rows:review", "审核时读取脱敏数据", "read masked rows for a review"
    PROTECTION_SQL_RUN = "protection:sql:run", "运行 SQL 查询", "run SQL"
    QUALITY_MONITOR_DECIDE = "quality:monitor:decide", "处置监测发现", "decide on what monitors found"
    QUALITY_RESULT_READ = "quality:result:read", "查看质量结果", "see results of quality"
    QUALITY_ROWS_READ = "quality:rows:read", "查看未通过规则的行", "see rows that fail a rule"
    QUALITY_RULE_MANAGE = "quality:rule:manage", "维护质量规则", "maintain rules of quality"
    QUALITY_SCORECARD_MANAGE = "quality:scorecard:manage", "维护质量评分卡", "maintain the scorecard of quality"
    QUALITY_TICKET_HANDLE = "quality:ticket:handle", "办理发给本部门的校核工单", "answer tickets sent to a department"
    QUALITY_TICKET_RAISE = "quality:ticket:raise", "对数据提出疑义", "say that a value is in doubt"
    QUALITY_TICKET_READ = "quality:ticket:read", "查看校核工单", "see tickets"
    QUALITY_TICKET_SUPERVISE = (
        "quality:ticket:supervise",
        "督办、转办、办结校核工单",
        "supervise, transfer and close tickets",
    )
    QUALITY_VERSION_RELEASE = (
        "quality:version:release",
        "放行未通过质量规则的版本",
        "give readers a version that fails critical rules",
    )
    RECIPES_RECIPE_MANAGE = "recipes:recipe:manage", "维护加工配方", "maintain recipes of derived tables"
    RECIPES_RECIPE_READ = "recipes:recipe:read", "查看加工配方与运行", "see recipes of derived tables and their runs"
    STANDARDS_ENTRY_APPROVE = (
        "standards:entry:approve",
        "审批标准提案",
        "decide on proposals for the standards registry",
    )
    STANDARDS_ENTRY_PROPOSE = "standards:entry:propose", "提出标准提案", "propose data elements and code sets"
    STANDARDS_PROFILE_CHOOSE = "standards:profile:choose", "选用法规规则配置", "choose which profile of law counts"
    STANDARDS_PROPOSAL_READ = "standards:proposal:read", "查看标准提案", "see proposals for the standards registry"
    STANDARDS_RULE_READ = "standards:rule:read", "查看标准与规则表", "see standards and rule tables"
    TABLES_TABLE_COMPACT = "tables:table:compact", "压实数据表", "compact a table"
    TABLES_TABLE_DROP = "tables:table:drop", "删除数据表", "drop a table"
    TABLES_TABLE_READ_METADATA = (
        "tables:table:read_metadata",
        "查看数据表的结构与历史",
        "see a table's columns and history",
    )
    TABLES_TABLE_ROLLBACK = "tables:table:rollback", "回滚数据表", "roll a table back"
    TABLES_TABLE_WRITE = "tables:table:write", "写入数据表", "write to a table"


class Role(StrEnum):
    """In which capacity a person works; policies/roles.cedar says what each role may do."""

    text: Text

    def __new__(cls, value: str, zh: str = "", en: str = "") -> Self:
        """Make a member that is its own string and carries its name."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.text = Text(zh, en)
        return member

    ANALYST = "analyst", "数据分析员", "analyst"
    AUDIT_ADMIN = "audit_admin", "审计管理员", "audit administrator"
    BUREAU_PUBLISHER = "bureau_publisher", "数据局发布员", "publisher of the data authority"
    BUREAU_REVIEWER = "bureau_reviewer", "数据局审核员", "reviewer of the data authority"
    MEMBER = "member", "注册用户", "registered member of the public"
    ORG_REVIEWER = "org_reviewer", "部门审核员", "reviewer of a department"
    SEC_ADMIN = "sec_admin", "安全管理员", "security administrator"
    STEWARD = "steward", "数据专员", "data steward of a department"
    SYS_ADMIN = "sys_admin", "系统管理员", "system administrator"

    @property
    def is_administrator(self) -> bool:
        """Tell whether this is one of the three administrators (三员), who hold no data right."""
        return self in ADMINISTRATORS


ADMINISTRATORS = frozenset({Role.SYS_ADMIN, Role.SEC_ADMIN, Role.AUDIT_ADMIN})
"""The three roles that one person may hold at most one of (三员分立)."""


def incompatible(roles: Iterable[Role]) -> bool:
    """Tell whether one person may not hold these roles together: an administrator holds one role and no other."""
    held = frozenset(roles)
    return bool(held & ADMINISTRATORS) and len(held) > 1
