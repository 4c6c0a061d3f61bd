"""The navigation: every page of the console, and the permission that leads to it."""

from __future__ import annotations

from dataclasses import dataclass

from beijiang.access import Permission
from beijiang.kit import Text

__all__ = [
    "DEMANDS",
    "DISPUTES",
    "MENU",
    "NOTICES",
    "RECALLS",
    "SHARING",
    "TEMPLATES",
    "TICKETS",
    "VOICES",
    "Link",
    "Section",
]

TICKETS = "/console/tickets"
SHARING = "/console/sharing"
DEMANDS = "/console/demands"
DISPUTES = "/console/disputes"
RECALLS = "/console/recalls"
TEMPLATES = "/console/templates"
VOICES = "/console/voices"
NOTICES = "/console/notices"


@dataclass(frozen=True, slots=True)
class Link:
    """One entry of the navigation."""

    href: str
    words: Text
    count: int = 0
    """How much waits there for the person."""


@dataclass(frozen=True, slots=True)
class Section:
    """A titled group of the navigation."""

    title: Text
    links: tuple[Link, ...]


MENU: tuple[tuple[Text, tuple[tuple[Permission, str, Text], ...]], ...] = (
    (
        Text("汇聚", "Aggregation"),
        (
            (Permission.INGEST_FILE_LAND, "/console/onboard", Text("表格上架", "From file to entry")),
            (Permission.INGEST_FILE_LAND, "/console/ingest", Text("交数据", "Hand in data")),
            (Permission.INGEST_SOURCE_READ, "/console/sources", Text("数据源", "Sources")),
            (Permission.INGEST_RUN_READ, "/console/harvests", Text("目录采集", "Harvests")),
            (Permission.INGEST_SOURCE_READ, "/console/streams", Text("数据流", "Streams")),
            (Permission.INGEST_RUN_READ, "/console/runs", Text("任务", "Runs")),
            (Permission.INGEST_RUN_READ, "/console/freshness", Text("新鲜度", "Freshness")),
            (Permission.INGEST_RUN_READ, "/console/alerts", Text("告警", "Alerts")),
            (Permission.INGEST_QUARANTINE_READ, "/console/quarantine", Text("待修数据", "Rows to mend")),
        ),
    ),
    (
        Text("治理", "Governance"),
        (
            (Permission.TABLES_TABLE_READ_METADATA, "/console/tables", Text("数据表", "Tables")),
            (Permission.PROTECTION_GRADE_READ, "/console/grading", Text("分类分级", "Grading")),
            (Permission.STANDARDS_PROPOSAL_READ, "/console/standards", Text("数据标准", "Standards")),
            (Permission.QUALITY_RESULT_READ, "/console/quality", Text("数据质量", "Quality")),
            (Permission.CONTRACTS_CONTRACT_READ, "/console/contracts", Text("数据契约", "Contracts")),
            (Permission.QUALITY_TICKET_READ, TICKETS, Text("校核工单", "Tickets")),
            (Permission.RECIPES_RECIPE_READ, "/console/recipes", Text("加工配方", "Recipes")),
            (Permission.FUSION_LIBRARY_READ, "/console/libraries", Text("基础库", "Libraries")),
            (Permission.PROTECTION_PRIVATE_ASK, "/console/private", Text("差分隐私", "Noisy statistics")),
        ),
    ),
    (
        Text("数据挖掘", "Data mining"),
        (
            (Permission.PROTECTION_SQL_RUN, "/console/sql", Text("查询", "SQL")),
            (Permission.PROTECTION_SQL_RUN, "/console/notebooks", Text("笔记本", "Notebooks")),
            (Permission.MINING_MODEL_READ, "/console/models", Text("模型", "Models")),
            (Permission.MINING_FORECAST_READ, "/console/forecasts", Text("预测", "Forecasts")),
            (Permission.MINING_GRAPH_READ, "/console/graphs", Text("关系图", "Graphs")),
            (Permission.MINING_TEXT_READ, "/console/texts", Text("文本", "Documents")),
            (Permission.MINING_ALERT_READ, "/console/reading-alerts", Text("读数预警", "Alerts of readings")),
            (Permission.MINING_ALERT_READ, "/console/stream-rules", Text("预警规则", "Rules on streams")),
        ),
    ),
    (
        Text("目录与共享", "Catalog and sharing"),
        (
            (Permission.CATALOG_RESOURCE_READ, "/console/catalog", Text("目录", "Catalog")),
            (Permission.CATALOG_RESOURCE_READ, "/console/linked-entries", Text("联动目录", "Entries of nodes below")),
            (Permission.CATALOG_RESOURCE_READ, "/console/systems", Text("系统清单", "Systems")),
            (Permission.CATALOG_RESOURCE_READ, "/console/fields", Text("扩展字段", "Fields of the region")),
            (Permission.EXCHANGE_REQUEST_READ, TEMPLATES, Text("标准目录", "Standard entries")),
            (Permission.EXCHANGE_REQUEST_READ, SHARING, Text("共享申请", "Share requests")),
            (Permission.EXCHANGE_GRANT_READ, "/console/grants", Text("授权", "Grants")),
            (Permission.EXCHANGE_GRANT_READ, "/console/pushes", Text("推送", "Pushes")),
            (Permission.EXCHANGE_SERVICE_READ, "/console/services", Text("服务接口", "Services")),
            (Permission.EXCHANGE_REQUEST_READ, DEMANDS, Text("数据需求", "Demands")),
            (Permission.EXCHANGE_GRANT_READ, RECALLS, Text("召回", "Recalls")),
            (Permission.EXCHANGE_REQUEST_READ, DISPUTES, Text("异议", "Disputes")),
            (Permission.PROTECTION_ROWS_READ_GRANTED, "/console/packages", Text("加密包", "Packages")),
            (Permission.EXCHANGE_TRACE_RUN, "/console/trace", Text("文件溯源", "Trace a file")),
            (Permission.EXCHANGE_SERVING_MANAGE, "/console/serving", Text("服务副本", "Serving copies")),
        ),
    ),
    (
        Text("考核督办", "Assessment"),
        (
            (Permission.ASSESS_SCORE_READ, "/console/assess", Text("考核评价", "Assessment")),
            (Permission.ASSESS_FIGURE_READ, "/console/figures", Text("统计指标", "Statistics")),
            (Permission.ASSESS_PLAN_READ, "/console/plan", Text("督办", "Work plan")),
        ),
    ),
    (
        Text("应用", "Applications"),
        (
            (Permission.APPS_APP_OPEN, "/apps", Text("应用超市", "Store")),
            (Permission.APPS_APP_OPEN, "/console/apps", Text("应用管理", "Manage applications")),
            (Permission.APPS_CLIENT_REGISTER, "/console/clients", Text("外部应用", "Outside applications")),
            (Permission.APPS_CLIENT_REVIEW, "/console/clients", Text("外部应用", "Outside applications")),
        ),
    ),
    (
        Text("公众", "The public"),
        (
            (Permission.OPENDATA_VOICE_ANSWER, VOICES, Text("公众来件", "Words of the public")),
            (Permission.OPENDATA_PORTAL_MANAGE, "/console/portals", Text("分门户", "City portals")),
            (Permission.OPENDATA_PORTAL_MANAGE, "/console/works", Text("利用成果", "Works")),
            (Permission.EXCHANGE_REQUEST_READ, "/console/openings", Text("有条件开放", "Conditional opening")),
            (Permission.OPENDATA_PORTAL_MANAGE, "/console/news", Text("门户动态", "News")),
            (Permission.ACCESS_MEMBER_CONFIRM, "/console/members", Text("公众注册", "Registrations")),
        ),
    ),
    (
        Text("平台", "Platform"),
        (
            (Permission.ACCESS_PERSON_MANAGE, "/console/people", Text("人员与机构", "People and organisations")),
            (Permission.ACCESS_ROLE_ASSIGN, "/console/people", Text("人员与角色", "People and roles")),
            (Permission.ACCESS_TARGET_READ, "/console/targets", Text("访问目标", "Targets")),
            (Permission.JOBS_JOB_READ, "/console/jobs", Text("作业", "Jobs")),
            (Permission.EVIDENCE_LOG_READ, "/console/evidence", Text("存证", "Evidence")),
            (Permission.EVIDENCE_TREE_READ, "/console/seal", Text("封存与见证", "Seal and witnesses")),
            (Permission.EVIDENCE_HOLD_SET, "/console/holds", Text("证据保全", "Legal holds")),
            (Permission.FEDERATION_NODE_READ, "/console/federation", Text("三级联动", "Linkage")),
            (Permission.PLATFORM_HEALTH_READ, "/console/health", Text("运行状况", "Health")),
        ),
    ),
    (
        Text("我", "Me"),
        (
            (Permission.NOTICES_OWN_READ, NOTICES, Text("我的通知", "My notices")),
            (Permission.EVIDENCE_RECEIPT_READ, "/console/receipts", Text("我的回执", "My receipts")),
            (Permission.ACCESS_PASSWORD_CHANGE, "/console/explain", Text("为何能、为何不能", "Why, and why not")),
            (Permission.ACCESS_PASSWORD_CHANGE, "/console/password", Text("修改口令", "Password")),
            (Permission.ACCESS_KEY_ISSUE, "/console/keys", Text("API 密钥", "API keys")),
            (Permission.APPS_CLIENT_SIGN_ON, "/console/consents", Text("已授权的应用", "Applications I agreed to")),
        ),
    ),
)
