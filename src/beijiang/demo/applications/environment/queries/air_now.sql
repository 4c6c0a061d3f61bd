-- 最近一小时与前一日同时；优良指数不超过 100。
WITH newest AS (SELECT max("监测时间") AS t FROM "空气质量小时数据" WHERE "AQI" IS NOT NULL),
chosen AS (
  SELECT a.* FROM "空气质量小时数据" a
  WHERE a."AQI" IS NOT NULL AND ($league IS NULL OR a."盟市" = $league)
)
SELECT
  strftime(max(n.t), '%Y-%m-%d %H:%M') AS "时间",
  count(*) FILTER (WHERE c."监测时间" = n.t) AS "站点数",
  round(avg(c."AQI") FILTER (WHERE c."监测时间" = n.t), 0) AS "平均指数",
  round(avg(c."AQI") FILTER (WHERE c."监测时间" = n.t) - avg(c."AQI") FILTER (WHERE c."监测时间" = n.t - INTERVAL 1 DAY), 1) AS "比前一日",
  round(avg(c."PM2.5") FILTER (WHERE c."监测时间" = n.t), 1) AS "PM2.5",
  round(100.0 * count(*) FILTER (WHERE c."监测时间" = n.t AND c."AQI" <= 100) / nullif(count(*) FILTER (WHERE c."监测时间" = n.t), 0), 1) AS "优良比例（%）",
  count(*) FILTER (WHERE c."监测时间" = n.t AND c."AQI" > 100) AS "污染站点",
  max(c."AQI") FILTER (WHERE c."监测时间" = n.t) AS "最高指数",
  arg_max(c."站点名称", c."AQI") FILTER (WHERE c."监测时间" = n.t) AS "最高站点"
FROM chosen c CROSS JOIN newest n
WHERE c."监测时间" >= n.t - INTERVAL 1 DAY
