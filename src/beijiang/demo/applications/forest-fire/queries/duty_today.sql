SELECT
  "值班日期",
  "盟市",
  "旗县",
  "班次",
  "带班岗位",
  "值班电话"
FROM "防火值班表"
WHERE "值班日期" BETWEEN CAST($today AS DATE) AND CAST($today AS DATE) + 1
  AND ($league IS NULL OR "盟市" = $league)
ORDER BY 1, 2, 3, 4
LIMIT 200
