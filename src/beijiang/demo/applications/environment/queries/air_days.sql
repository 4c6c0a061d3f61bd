SELECT
  CAST("监测时间" AS DATE) AS "日期",
  round(avg("AQI"), 1) AS "日均指数",
  max("AQI") AS "当日最高"
FROM "空气质量小时数据"
WHERE "AQI" IS NOT NULL AND ($league IS NULL OR "盟市" = $league)
GROUP BY 1
ORDER BY 1
