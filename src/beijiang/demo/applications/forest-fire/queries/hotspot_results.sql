SELECT
  coalesce("核查结论", '待反馈') AS "核查结论",
  count(*) AS "热点数"
FROM "卫星热点"
WHERE "发现时间" >= CAST($today AS DATE) - 9
  AND ($league IS NULL OR "盟市" = $league)
GROUP BY 1
ORDER BY 2 DESC, 1
