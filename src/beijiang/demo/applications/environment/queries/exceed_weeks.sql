SELECT
  CAST(date_trunc('week', "日期") AS DATE) AS "周起始",
  count(*) FILTER (WHERE "是否超标" = '是' AND "污染物" = 'PM2.5') AS "PM2.5",
  count(*) FILTER (WHERE "是否超标" = '是' AND "污染物" = 'PM10') AS "PM10",
  count(*) FILTER (WHERE "是否超标" = '是' AND "污染物" = 'O3') AS "O3",
  count(*) FILTER (WHERE "是否超标" = '是' AND "污染物" NOT IN ('PM2.5', 'PM10', 'O3')) AS "其他"
FROM "环境空气质量日评价"
WHERE ($league IS NULL OR "盟市" = $league) AND ($pollutant IS NULL OR "污染物" = $pollutant)
GROUP BY 1 ORDER BY 1
