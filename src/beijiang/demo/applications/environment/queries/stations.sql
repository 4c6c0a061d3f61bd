WITH latest AS (
  SELECT *, row_number() OVER (PARTITION BY "站点编码" ORDER BY "监测时间" DESC) AS n
  FROM "空气质量小时数据"
  WHERE "AQI" IS NOT NULL AND ($league IS NULL OR "盟市" = $league) AND ($station IS NULL OR "站点名称" = $station)
)
SELECT
  s."站点名称", s."盟市", s."经度", s."纬度", s."AQI" AS "指数", l."级别", s."PM2.5", s."PM10", s."O3",
  coalesce(s."首要污染物", '—') AS "首要污染物", s."监测时间" AS "时间"
FROM latest s
LEFT JOIN "空气质量指数级别" l
  ON s."AQI" BETWEEN l."下限" AND l."上限" AND CAST(s."监测时间" AS DATE) BETWEEN l."生效日期" AND l."失效日期"
WHERE s.n = 1
ORDER BY s."AQI" DESC, 1
