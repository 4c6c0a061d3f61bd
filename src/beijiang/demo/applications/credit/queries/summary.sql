WITH newest AS (SELECT max("处罚决定日期") AS d FROM "行政处罚"),
punished AS (
  SELECT
    count(*) FILTER (WHERE p."处罚决定日期" > n.d - INTERVAL 1 YEAR) AS now,
    count(*) FILTER (WHERE p."处罚决定日期" <= n.d - INTERVAL 1 YEAR AND p."处罚决定日期" > n.d - INTERVAL 2 YEAR) AS before
  FROM "行政处罚" p CROSS JOIN newest n
), listed AS (
  SELECT
    count(*) FILTER (WHERE "名单类别" = '红名单') AS red,
    count(*) FILTER (WHERE "名单类别" = '黑名单') AS black
  FROM "信用红黑名单" WHERE "状态" = '有效'
), mended AS (
  SELECT count(*) FILTER (WHERE "结果" = '准予修复') AS done, round(avg(date_diff('day', "申请日期", "办结日期")), 1) AS days
  FROM "信用修复"
), permitted AS (SELECT count(*) AS n FROM "行政许可" WHERE "当前状态" = 1)
SELECT
  permitted.n AS "许可数", punished.now AS "近一年处罚",
  round(100.0 * punished.now / nullif(punished.before, 0) - 100, 1) AS "比上一年（%）",
  listed.red AS "红名单", listed.black AS "黑名单", mended.done AS "准予修复", mended.days AS "平均办理天数"
FROM permitted CROSS JOIN punished CROSS JOIN listed CROSS JOIN mended
