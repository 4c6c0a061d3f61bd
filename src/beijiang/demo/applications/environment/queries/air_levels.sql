SELECT l."级别", count(a."站点编码") AS "小时数"
FROM "空气质量指数级别" l
LEFT JOIN "空气质量小时数据" a
  ON a."AQI" BETWEEN l."下限" AND l."上限"
  AND CAST(a."监测时间" AS DATE) BETWEEN l."生效日期" AND l."失效日期"
  AND ($league IS NULL OR a."盟市" = $league)
GROUP BY l."级别", l."序号"
ORDER BY l."序号"
