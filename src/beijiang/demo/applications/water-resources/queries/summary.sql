WITH newest AS (SELECT max("日期") AS d FROM "水库水情"),
chosen AS (SELECT w.*, n.d FROM "水库水情" w CROSS JOIN newest n WHERE ($league IS NULL OR w."盟市" = $league))
SELECT
  max(d) AS "日期",
  round(sum("蓄水量") FILTER (WHERE "日期" = d), 0) AS "蓄水量",
  round(100.0 * sum("蓄水量") FILTER (WHERE "日期" = d) / nullif(sum("蓄水量") FILTER (WHERE "日期" = d - INTERVAL 7 DAY), 0) - 100, 1) AS "比七日前（%）",
  round(100.0 * sum("蓄水量") FILTER (WHERE "日期" = d) / nullif(sum("兴利库容") FILTER (WHERE "日期" = d), 0), 1) AS "蓄满程度（%）",
  count(*) FILTER (WHERE "日期" = d AND "水位" > "汛限水位") AS "超汛限",
  round(sum("入库流量" - "出库流量") FILTER (WHERE "日期" = d), 1) AS "净流量",
  arg_max("水库名称", "水位" - "汛限水位") FILTER (WHERE "日期" = d) AS "最高水库",
  round(max("水位" - "汛限水位") FILTER (WHERE "日期" = d), 2) AS "最多超"
FROM chosen
