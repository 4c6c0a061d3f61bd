SELECT
  count(*) AS "预警数",
  count(*) FILTER (WHERE "恢复时间" IS NULL) AS "持续中"
FROM "森林火险预警"
