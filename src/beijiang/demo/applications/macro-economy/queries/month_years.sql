WITH newest AS (SELECT max(year(CAST(concat("月份", '-01') AS DATE))) AS y FROM "月度统计")
SELECT
  month(CAST(concat(m."月份", '-01') AS DATE)) AS "月",
  sum(m."数值") FILTER (WHERE year(CAST(concat(m."月份", '-01') AS DATE)) = n.y - 2) AS "前年",
  sum(m."数值") FILTER (WHERE year(CAST(concat(m."月份", '-01') AS DATE)) = n.y - 1) AS "上年",
  sum(m."数值") FILTER (WHERE year(CAST(concat(m."月份", '-01') AS DATE)) = n.y) AS "今年"
FROM "月度统计" m CROSS JOIN newest n
WHERE m."指标" = $monthly AND m."地区" = $league
GROUP BY 1 ORDER BY 1
