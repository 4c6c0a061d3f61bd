SELECT "处罚决定日期" AS "日期", "违法行为类型", "处罚结果", "处罚依据", "处罚机关", CASE "当前状态" WHEN 1 THEN '有效' ELSE '已修复' END AS "状态"
FROM "行政处罚" WHERE "统一社会信用代码" = upper($subject)
ORDER BY 1 DESC LIMIT 100
