WITH placed AS (
  SELECT w.*, l."名称" AS league FROM "气象站日观测" w
  JOIN "行政区划" c ON CAST(c."区划代码" AS VARCHAR) = CAST(w."区划代码" AS VARCHAR)
  JOIN "行政区划" l ON CAST(l."区划代码" AS VARCHAR) = CAST(c."上级代码" AS VARCHAR)
), newest AS (SELECT max("观测日期") AS d FROM "气象站日观测")
SELECT p."观测日期" AS "日期", round(avg(p."最高气温"), 1) AS "最高气温", round(avg(p."平均气温"), 1) AS "平均气温", round(avg(p."最低气温"), 1) AS "最低气温", round(avg(p."降水量"), 1) AS "降水量"
FROM placed p WHERE ($league IS NULL OR p.league = $league) GROUP BY 1 ORDER BY 1
