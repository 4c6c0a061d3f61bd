WITH newest AS (SELECT max("监测时间") AS t FROM "空气质量小时数据" WHERE "AQI" IS NOT NULL)
SELECT
  a."盟市",
  round(avg(a."AQI"), 0) AS "平均指数",
  round(avg(a."PM2.5"), 1) AS "PM2.5",
  round(avg(a."O3"), 1) AS "O3",
  count(*) AS "站点数",
  max(a."监测时间") AS "时间"
FROM "空气质量小时数据" a JOIN newest n ON a."监测时间" = n.t
WHERE a."AQI" IS NOT NULL
GROUP BY 1
ORDER BY 2 DESC, 1
