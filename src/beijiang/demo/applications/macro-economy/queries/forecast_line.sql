WITH newest AS (SELECT max(CAST(concat("月份", '-01') AS DATE)) AS d FROM "月度统计" WHERE "指标" = $monthly AND "地区" = $league),
seen AS (
  SELECT m."月份" AS p, m."数值" AS v FROM "月度统计" m CROSS JOIN newest n
  WHERE m."指标" = $monthly AND m."地区" = $league AND CAST(concat(m."月份", '-01') AS DATE) > n.d - INTERVAL 3 YEAR
), expected AS (
  SELECT "期间" AS p, "预测值" AS v, "下限80" AS l, "上限80" AS h FROM "月度统计_预测"
  WHERE "指标" = $monthly AND "地区" = $league AND "运行" = (SELECT max("运行") FROM "月度统计_预测")
)
SELECT p AS "月份", v AS "实际", CAST(NULL AS DOUBLE) AS "预测", CAST(NULL AS DOUBLE) AS "80% 下限", CAST(NULL AS DOUBLE) AS "80% 上限" FROM seen
UNION ALL SELECT p, NULL, round(v, 2), round(l, 2), round(h, 2) FROM expected
ORDER BY 1
