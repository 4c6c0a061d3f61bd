WITH newest AS (SELECT max("年份") AS y FROM "大气污染源排放"),
kinds AS (
  SELECT "年份", "源类", sum("排放量（吨）") AS v FROM "大气污染源排放"
  WHERE "污染物" = $emitted AND ($league IS NULL OR "盟市" = $league)
  GROUP BY 1, 2
)
SELECT
  round(sum(k.v) FILTER (WHERE k."年份" = n.y), 0) AS "排放量（吨）",
  round(100.0 * sum(k.v) FILTER (WHERE k."年份" = n.y) / nullif(sum(k.v) FILTER (WHERE k."年份" = n.y - 1), 0) - 100, 1) AS "比上年（%）",
  arg_max(k."源类", k.v) FILTER (WHERE k."年份" = n.y) AS "最大源类",
  round(100.0 * max(k.v) FILTER (WHERE k."年份" = n.y) / nullif(sum(k.v) FILTER (WHERE k."年份" = n.y), 0), 1) AS "占比（%）"
FROM kinds k CROSS JOIN newest n
