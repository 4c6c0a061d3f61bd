SELECT "盟市", count(*) AS "预警数" FROM "气象灾害预警" WHERE ($kind IS NULL OR "类型" = $kind) GROUP BY 1 ORDER BY 2 DESC, 1
