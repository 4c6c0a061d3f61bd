SELECT
  "热点编号" AS "热点",
  "经度",
  "纬度",
  "亮温" AS "亮温（K）"
FROM "卫星热点"
WHERE "发现时间" >= CAST($today AS DATE) - 9
  AND ($league IS NULL OR "盟市" = $league)
ORDER BY "发现时间" DESC, 1
LIMIT 500
