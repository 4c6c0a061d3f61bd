SELECT count(*) AS "预警数", count(*) FILTER (WHERE "级别序号" >= 3) AS "高级别", coalesce(mode("类型"), '—') AS "最多类型"
FROM "气象灾害预警" WHERE ($league IS NULL OR "盟市" = $league) AND ($kind IS NULL OR "类型" = $kind)
