WITH days AS (SELECT "日期" AS d, sum("游客人次") AS v FROM "景区客流" WHERE ($league IS NULL OR "盟市" = $league) GROUP BY 1)
SELECT CASE isodow(d) WHEN 1 THEN '周一' WHEN 2 THEN '周二' WHEN 3 THEN '周三' WHEN 4 THEN '周四' WHEN 5 THEN '周五' WHEN 6 THEN '周六' ELSE '周日' END AS "星期", round(avg(v), 0) AS "平均游客"
FROM days GROUP BY 1, isodow(d) ORDER BY isodow(d)
