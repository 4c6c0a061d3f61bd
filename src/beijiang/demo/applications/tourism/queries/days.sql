SELECT "日期", sum("游客人次") AS "游客人次", round(sum("收入（万元）"), 1) AS "收入（万元）"
FROM "景区客流" WHERE ($league IS NULL OR "盟市" = $league) GROUP BY 1 ORDER BY 1
