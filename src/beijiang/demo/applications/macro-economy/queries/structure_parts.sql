WITH parts AS (
  SELECT "季度", "季末日期" AS d,
    sum("数值") FILTER (WHERE "指标" = '第一产业增加值') AS a,
    sum("数值") FILTER (WHERE "指标" = '第二产业增加值') AS b,
    sum("数值") FILTER (WHERE "指标" = '第三产业增加值') AS c
  FROM "季度经济指标" WHERE "盟市" = $league GROUP BY 1, 2
)
SELECT x."季度",
  round(100.0 * (x.a - y.a) / nullif(y.a + y.b + y.c, 0), 1) AS "第一产业拉动",
  round(100.0 * (x.b - y.b) / nullif(y.a + y.b + y.c, 0), 1) AS "第二产业拉动",
  round(100.0 * (x.c - y.c) / nullif(y.a + y.b + y.c, 0), 1) AS "第三产业拉动"
FROM parts x JOIN parts y ON y.d = x.d - INTERVAL 1 YEAR
ORDER BY x.d
