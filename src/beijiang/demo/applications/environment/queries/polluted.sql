WITH newest AS (SELECT max("监测时间") AS t FROM "空气质量小时数据" WHERE "AQI" IS NOT NULL)
SELECT a."站点名称", a."盟市", a."AQI" AS "指数", a."监测时间" AS "时间"
FROM "空气质量小时数据" a JOIN newest n ON a."监测时间" = n.t
WHERE a."AQI" > 150 ORDER BY 3 DESC, 1
