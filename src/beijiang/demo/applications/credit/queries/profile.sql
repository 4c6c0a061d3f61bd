-- 评分规则是数据，见“信用评分规则”；用现行的一版。
WITH facts AS (
  SELECT '基准分' AS item, 1 AS n WHERE $subject IS NOT NULL
  UNION ALL SELECT '有效行政许可', count(*) FROM "行政许可" WHERE "统一社会信用代码" = upper($subject) AND "当前状态" = 1
  UNION ALL SELECT '行政处罚', count(*) FROM "行政处罚" WHERE "统一社会信用代码" = upper($subject) AND "当前状态" = 1
  UNION ALL SELECT '守信激励名单', count(*) FROM "信用红黑名单" WHERE "统一社会信用代码" = upper($subject) AND "名单类别" = '红名单' AND "状态" = '有效'
  UNION ALL SELECT '失信惩戒名单', count(*) FROM "信用红黑名单" WHERE "统一社会信用代码" = upper($subject) AND "名单类别" = '黑名单' AND "状态" = '有效'
  UNION ALL SELECT '信用修复', count(*) FROM "信用修复" WHERE "统一社会信用代码" = upper($subject) AND "结果" = '准予修复'
), newest AS (SELECT max("生效日期") AS d FROM "信用评分规则"),
points AS (
  SELECT f.item, f.n, r."每项分值" AS each, r."上下限" AS most, r."说明" AS words, r."依据" AS basis,
    CASE WHEN r."上下限" > 0 THEN least(f.n * r."每项分值", r."上下限") WHEN r."上下限" < 0 THEN greatest(f.n * r."每项分值", r."上下限") ELSE f.n * r."每项分值" END AS p
  FROM facts f JOIN "信用评分规则" r ON r."事项" = f.item JOIN newest ON r."生效日期" = newest.d
), known AS (
  SELECT "行政相对人名称" AS name FROM "行政许可" WHERE "统一社会信用代码" = upper($subject)
  UNION ALL SELECT "行政相对人名称" FROM "行政处罚" WHERE "统一社会信用代码" = upper($subject)
  UNION ALL SELECT "主体名称" FROM "信用红黑名单" WHERE "统一社会信用代码" = upper($subject)
  UNION ALL SELECT "基本信息_企业名称" FROM "企业登记信息" WHERE "基本信息_统一社会信用代码" = upper($subject)
), told AS (SELECT count(DISTINCT name) AS n, max(name) AS name FROM known),
scored AS (
  SELECT least(1000, greatest(0, sum(p))) AS score,
    max(n) FILTER (WHERE item = '有效行政许可') AS l, max(n) FILTER (WHERE item = '行政处罚') AS q,
    max(n) FILTER (WHERE item = '守信激励名单') AS r, max(n) FILTER (WHERE item = '失信惩戒名单') AS b
  FROM points
)
SELECT
  told.n AS "主体数", told.name AS "主体名称",
  CASE WHEN told.n = 1 THEN scored.score END AS "评分",
  CASE WHEN told.n = 1 THEN (SELECT replace(arg_max(r."事项", r."每项分值"), '等级', '') FROM "信用评分规则" r JOIN newest ON r."生效日期" = newest.d WHERE starts_with(r."事项", '等级') AND r."每项分值" <= scored.score) END AS "等级",
  CASE WHEN told.n = 1 THEN scored.l END AS "许可", CASE WHEN told.n = 1 THEN scored.q END AS "处罚",
  scored.r AS "红名单", scored.b AS "黑名单"
FROM told CROSS JOIN scored
