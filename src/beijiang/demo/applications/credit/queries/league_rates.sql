SELECT "盟市",
  count(*) FILTER (WHERE "名单类别" = '红名单') AS "红名单",
  count(*) FILTER (WHERE "名单类别" = '黑名单') AS "黑名单",
  round(100.0 * count(*) FILTER (WHERE "名单类别" = '黑名单') / count(*), 1) AS "黑名单占比（%）"
FROM "信用红黑名单" WHERE "状态" = '有效' GROUP BY 1 ORDER BY 4 DESC, 1
