-- 近 10 天：今天和此前 9 天发现的；待反馈不论哪一天发现。
SELECT
  count(*) FILTER (WHERE "发现时间" >= CAST($today AS DATE) - 9) AS "热点数",
  count(*) FILTER (WHERE "反馈时间" IS NULL) AS "待反馈",
  count(*) FILTER (WHERE "核查结论" = '森林草原火情' AND "发现时间" >= CAST($today AS DATE) - 9) AS "火情数",
  round(avg(date_diff('minute', "发现时间", "反馈时间")) FILTER (WHERE "发现时间" >= CAST($today AS DATE) - 9) / 60.0, 1) AS "平均反馈（小时）"
FROM "卫星热点"
WHERE ($league IS NULL OR "盟市" = $league)
