-- 日均值按当天有效的二级限值判定；限值是数据，见“环境空气质量限值”。
WITH hours AS (
  SELECT "盟市", "监测时间" AS t, avg("PM2.5") AS pm25, avg("PM10") AS pm10, avg("SO2") AS so2, avg("NO2") AS no2, avg("CO") AS co, avg("O3") AS o3
  FROM "空气质量小时数据"
  WHERE ($league IS NULL OR "盟市" = $league)
  GROUP BY 1, 2
), rolled AS (
  SELECT *, avg(o3) OVER (PARTITION BY "盟市" ORDER BY t ROWS BETWEEN 7 PRECEDING AND CURRENT ROW) AS o3_8h FROM hours
), days AS (
  SELECT "盟市", CAST(t AS DATE) AS d, avg(pm25) AS pm25, avg(pm10) AS pm10, avg(so2) AS so2, avg(no2) AS no2, avg(co) AS co, max(o3_8h) AS o3
  FROM rolled GROUP BY 1, 2
), long AS (
  SELECT "盟市", d, 'PM2.5' AS p, pm25 AS v FROM days UNION ALL SELECT "盟市", d, 'PM10', pm10 FROM days
  UNION ALL SELECT "盟市", d, 'SO2', so2 FROM days UNION ALL SELECT "盟市", d, 'NO2', no2 FROM days
  UNION ALL SELECT "盟市", d, 'CO', co FROM days UNION ALL SELECT "盟市", d, 'O3', o3 FROM days
), judged AS (
  SELECT l."盟市", l.d, l.p, l.v, m."二级" AS most, m."标准" AS standard, m."单位" AS unit, l.v > m."二级" AS over
  FROM long l JOIN "环境空气质量限值" m
    ON m."污染物" = l.p AND m."平均时间" <> '年平均' AND l.d BETWEEN m."生效日期" AND m."失效日期"
  WHERE l.v IS NOT NULL AND ($pollutant IS NULL OR l.p = $pollutant)
)
SELECT
  count(DISTINCT CASE WHEN over THEN concat("盟市", CAST(d AS VARCHAR)) END) AS "超标天数",
  round(100.0 - 100.0 * count(DISTINCT CASE WHEN over THEN concat("盟市", CAST(d AS VARCHAR)) END) / nullif(count(DISTINCT concat("盟市", CAST(d AS VARCHAR))), 0), 1) AS "达标率（%）",
  coalesce(mode(CASE WHEN over THEN p END), '—') AS "主要污染物"
FROM judged
