WITH parts AS (
  SELECT "盟市", "季度", "季末日期" AS d,
    sum("数值") FILTER (WHERE "指标" = '第一产业增加值') AS a,
    sum("数值") FILTER (WHERE "指标" = '第二产业增加值') AS b,
    sum("数值") FILTER (WHERE "指标" = '第三产业增加值') AS c
  FROM "季度经济指标" GROUP BY 1, 2, 3
), rolled AS (
  SELECT "盟市", "季度", d,
    sum(a) OVER (PARTITION BY "盟市" ORDER BY d ROWS BETWEEN 3 PRECEDING AND CURRENT ROW) AS a,
    sum(b) OVER (PARTITION BY "盟市" ORDER BY d ROWS BETWEEN 3 PRECEDING AND CURRENT ROW) AS b,
    sum(c) OVER (PARTITION BY "盟市" ORDER BY d ROWS BETWEEN 3 PRECEDING AND CURRENT ROW) AS c,
    count(*) OVER (PARTITION BY "盟市" ORDER BY d ROWS BETWEEN 3 PRECEDING AND CURRENT ROW) AS n
  FROM parts
)
SELECT
  round(100.0 * a / nullif(a + b + c, 0), 1) AS "第一产业（%）",
  round(100.0 * b / nullif(a + b + c, 0), 1) AS "第二产业（%）",
  round(100.0 * c / nullif(a + b + c, 0), 1) AS "第三产业（%）"
FROM rolled WHERE "盟市" = $league ORDER BY d DESC LIMIT 1
