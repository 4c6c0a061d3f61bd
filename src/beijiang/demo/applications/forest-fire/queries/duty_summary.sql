SELECT
  count(DISTINCT "旗县") AS "旗县数",
  count(*) AS "班次数"
FROM "防火值班表"
WHERE "值班日期" = (SELECT min("值班日期") FROM "防火值班表")
  AND ($league IS NULL OR "盟市" = $league)
