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
)
SELECT item AS "事项", n AS "件数", each AS "每项分值", most AS "上下限", p AS "得分", words AS "说明", basis AS "依据"
FROM points WHERE $subject IS NOT NULL
ORDER BY CASE item WHEN '基准分' THEN 0 ELSE 1 END, p DESC, item
