SELECT strftime("申请日期", '%Y-%m') AS "月份",
  count(*) FILTER (WHERE "结果" = '准予修复') AS "准予修复",
  count(*) FILTER (WHERE "结果" = '不予修复') AS "不予修复",
  count(*) FILTER (WHERE "结果" = '办理中') AS "办理中"
FROM "信用修复" WHERE ($league IS NULL OR "盟市" = $league) GROUP BY 1 ORDER BY 1
