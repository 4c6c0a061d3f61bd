WITH newest AS (SELECT max(CAST(concat("月份", '-01') AS DATE)) AS d FROM "月度统计" WHERE "指标" = $monthly),
chosen AS (
  SELECT CAST(concat("月份", '-01') AS DATE) AS d, "数值" AS v, "单位" AS u, "统计口径" AS k FROM "月度统计"
  WHERE "指标" = $monthly AND "地区" = $league
)
SELECT
  strftime(max(n.d), '%Y-%m') AS "月份",
  max(c.u) AS "单位",
  round(sum(c.v) FILTER (WHERE c.d = n.d), 2) AS "数值",
  round(100.0 * sum(c.v) FILTER (WHERE c.d = n.d) / nullif(sum(c.v) FILTER (WHERE c.d = n.d - INTERVAL 1 YEAR), 0) - 100, 1) AS "同比（%）",
  round(sum(c.v) FILTER (WHERE c.d BETWEEN date_trunc('year', n.d) AND n.d), 2) AS "累计",
  round(100.0 * sum(c.v) FILTER (WHERE c.d BETWEEN date_trunc('year', n.d) AND n.d)
    / nullif(sum(c.v) FILTER (WHERE c.d BETWEEN date_trunc('year', n.d) - INTERVAL 1 YEAR AND n.d - INTERVAL 1 YEAR), 0) - 100, 1) AS "累计同比（%）",
  count(DISTINCT c.k) FILTER (WHERE c.d >= date_trunc('year', n.d) - INTERVAL 1 YEAR) - 1 AS "口径变化"
FROM chosen c CROSS JOIN newest n
