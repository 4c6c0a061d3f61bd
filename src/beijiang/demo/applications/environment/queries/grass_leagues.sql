WITH newest AS (SELECT max("年份") AS y FROM "草原生态监测")
SELECT g."盟市", g."植被盖度（%）" FROM "草原生态监测" g JOIN newest n ON g."年份" = n.y ORDER BY 2 DESC, 1
