WITH newest AS (SELECT max("处罚决定日期") AS d FROM "行政处罚"),
acts AS (
  SELECT "许可决定日期" AS d, 1 AS a, 0 AS b FROM "行政许可" WHERE "许可决定日期" IS NOT NULL
  UNION ALL SELECT "处罚决定日期", 0, 1 FROM "行政处罚" WHERE "处罚决定日期" IS NOT NULL
)
SELECT strftime(acts.d, '%Y-%m') AS "月份", sum(acts.a) AS "许可", sum(acts.b) AS "处罚"
FROM acts CROSS JOIN newest
WHERE acts.d > newest.d - INTERVAL 2 YEAR AND acts.d <= newest.d
GROUP BY 1 ORDER BY 1
