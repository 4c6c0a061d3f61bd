-- 作业 exceedance 的查询：每个盟市每天每种污染物一行。站点日均值的最少小时数、臭氧日最大 8 小时平均的最少个数见
-- “环境空气质量评价规则”，限值见“环境空气质量限值”，都按当天有效的那一行；盟市值是有效站点的算术平均，按四舍六入五成双修约到整数（CO 一位小数）后与限值比较。
WITH rules AS (
  SELECT "生效日期" AS since, "失效日期" AS until,
    max(CASE WHEN "评价规则" = '24小时平均最少小时数' THEN "数值" END) AS day_hours,
    max(CASE WHEN "评价规则" = '8小时平均最少小时数' THEN "数值" END) AS span_hours,
    max(CASE WHEN "评价规则" = '日最大8小时平均最少个数' THEN "数值" END) AS spans
  FROM "环境空气质量评价规则" GROUP BY 1, 2
), limits AS (
  SELECT "污染物" AS p, "二级" AS most, "单位" AS unit, "标准" AS standard, "核对" AS checked, "生效日期" AS since, "失效日期" AS until
  FROM "环境空气质量限值" WHERE "平均时间" <> '年平均'
), hours AS (
  SELECT "站点编码" AS station, "盟市" AS league, "监测时间" AS t, CAST("监测时间" AS DATE) AS d,
    date_diff('hour', TIMESTAMP '2000-01-01 00:00:00', "监测时间") AS hour_number,
    "PM2.5" AS pm25, "PM10" AS pm10, "SO2" AS so2, "NO2" AS no2, "CO" AS co, "O3" AS o3
  FROM "空气质量小时数据" WHERE "盟市" IS NOT NULL
), newest AS (SELECT max(t) AS t FROM hours), days AS (
  SELECT station, league, d,
    avg(pm25) AS pm25, avg(pm10) AS pm10, avg(so2) AS so2, avg(no2) AS no2, avg(co) AS co,
    count(pm25) AS n_pm25, count(pm10) AS n_pm10, count(so2) AS n_so2, count(no2) AS n_no2, count(co) AS n_co
  FROM hours GROUP BY 1, 2, 3
), means AS (
  SELECT station, league, d, 'PM2.5' AS p, pm25 AS v, n_pm25 AS n FROM days
  UNION ALL SELECT station, league, d, 'PM10', pm10, n_pm10 FROM days
  UNION ALL SELECT station, league, d, 'SO2', so2, n_so2 FROM days
  UNION ALL SELECT station, league, d, 'NO2', no2, n_no2 FROM days
  UNION ALL SELECT station, league, d, 'CO', co, n_co FROM days
), rolled AS (
  SELECT station, league, t, d,
    avg(o3) OVER (PARTITION BY station ORDER BY hour_number RANGE BETWEEN 7 PRECEDING AND CURRENT ROW) AS v,
    count(o3) OVER (PARTITION BY station ORDER BY hour_number RANGE BETWEEN 7 PRECEDING AND CURRENT ROW) AS n
  FROM hours
), ozone AS (
  SELECT o.station, o.league, o.d, max(o.v) AS v, count(*) AS n, max(r.spans) AS spans
  FROM rolled o JOIN rules r ON o.d BETWEEN r.since AND r.until
  WHERE extract(hour FROM o.t) >= 7 AND o.n >= r.span_hours
  GROUP BY 1, 2, 3
), valid AS (
  SELECT m.station, m.league, m.d, m.p, m.v
  FROM means m JOIN rules r ON m.d BETWEEN r.since AND r.until WHERE m.n >= r.day_hours
  UNION ALL
  SELECT o.station, o.league, o.d, 'O3', o.v
  FROM ozone o JOIN limits l ON l.p = 'O3' AND o.d BETWEEN l.since AND l.until
  WHERE o.n >= o.spans OR o.v > l.most
), scaled AS (
  SELECT league, d, p, avg(v) * CASE WHEN p = 'CO' THEN 10 ELSE 1 END AS x, CASE WHEN p = 'CO' THEN 10 ELSE 1 END AS s, count(*) AS stations
  FROM valid GROUP BY 1, 2, 3
), cities AS (
  SELECT league, d, p, stations, CASE WHEN x - floor(x) = 0.5 THEN floor(x) + floor(x) % 2 ELSE round(x, 0) END / s AS v FROM scaled
)
SELECT c.d AS "日期", c.league AS "盟市", c.p AS "污染物", c.v AS "浓度", l.most AS "限值", l.unit AS "单位",
  round(c.v / l.most, 2) AS "倍数", CASE WHEN c.v > l.most THEN '是' ELSE '否' END AS "是否超标",
  c.stations AS "站点数", l.standard AS "标准", l.checked AS "核对", n.t AS "数据截至"
FROM cities c JOIN limits l ON l.p = c.p AND c.d BETWEEN l.since AND l.until CROSS JOIN newest n
