SELECT CAST(date_trunc('week', "发布时间") AS DATE) AS "周起始", count(*) AS "预警数"
FROM "气象灾害预警" WHERE ($league IS NULL OR "盟市" = $league) AND ($kind IS NULL OR "类型" = $kind) GROUP BY 1 ORDER BY 1
