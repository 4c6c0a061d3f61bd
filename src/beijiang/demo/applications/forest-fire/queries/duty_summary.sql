-- $today 是地区时区的当天，由平台给出。
SELECT
  count(DISTINCT "旗县") AS "旗县数",
  count(*) AS "班次数"
FROM "防火值班表"
WHERE "值班日期" = CAST($today AS DATE)
  AND ($league IS NULL OR "盟市" = $league)
