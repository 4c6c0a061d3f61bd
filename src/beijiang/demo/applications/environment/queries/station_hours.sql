WITH newest AS (SELECT max("监测时间") AS t FROM "空气质量小时数据")
SELECT
  a."监测时间" AS "时间",
  round(avg(a."PM2.5"), 1) AS "PM2.5",
  round(avg(a."PM10"), 1) AS "PM10",
  round(avg(a."O3"), 1) AS "O3"
FROM "空气质量小时数据" a JOIN newest n ON a."监测时间" > n.t - INTERVAL 3 DAY
WHERE ($league IS NULL OR a."盟市" = $league) AND ($station IS NULL OR a."站点名称" = $station)
GROUP BY 1
ORDER BY 1
