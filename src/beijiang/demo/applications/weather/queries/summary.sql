WITH placed AS (
  SELECT w.*, l."名称" AS league FROM "气象站日观测" w
  JOIN "行政区划" c ON CAST(c."区划代码" AS VARCHAR) = CAST(w."区划代码" AS VARCHAR)
  JOIN "行政区划" l ON CAST(l."区划代码" AS VARCHAR) = CAST(c."上级代码" AS VARCHAR)
), newest AS (SELECT max("观测日期") AS d FROM "气象站日观测")
SELECT
  max(n.d) AS "日期",
  round(avg(p."平均气温") FILTER (WHERE p."观测日期" = n.d), 1) AS "平均气温",
  round(avg(p."平均气温") FILTER (WHERE p."观测日期" = n.d) - avg(p."平均气温") FILTER (WHERE p."观测日期" = n.d - INTERVAL 1 DAY), 1) AS "比前一日",
  min(p."最低气温") FILTER (WHERE p."观测日期" = n.d) AS "最低气温",
  arg_min(p."站名", p."最低气温") FILTER (WHERE p."观测日期" = n.d) AS "最冷站",
  max(p."降水量") FILTER (WHERE p."观测日期" = n.d) AS "最大降水",
  arg_max(p."站名", p."降水量") FILTER (WHERE p."观测日期" = n.d) AS "雨最大站",
  max(p."平均风速") FILTER (WHERE p."观测日期" = n.d) AS "最大风速"
FROM placed p CROSS JOIN newest n
WHERE ($league IS NULL OR p.league = $league)
