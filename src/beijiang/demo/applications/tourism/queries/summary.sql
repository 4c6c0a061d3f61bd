WITH newest AS (SELECT max("日期") AS d FROM "景区客流"),
chosen AS (SELECT v.*, n.d FROM "景区客流" v CROSS JOIN newest n WHERE v."日期" > n.d - INTERVAL 14 DAY AND ($league IS NULL OR v."盟市" = $league))
SELECT
  sum("游客人次") FILTER (WHERE "日期" > d - INTERVAL 7 DAY) AS "近七日",
  round(100.0 * sum("游客人次") FILTER (WHERE "日期" > d - INTERVAL 7 DAY) / nullif(sum("游客人次") FILTER (WHERE "日期" <= d - INTERVAL 7 DAY), 0) - 100, 1) AS "比前七日（%）",
  round(sum("收入（万元）") FILTER (WHERE "日期" > d - INTERVAL 7 DAY), 0) AS "近七日收入",
  round(10000.0 * sum("收入（万元）") / nullif(sum("游客人次"), 0), 0) AS "人均",
  count(DISTINCT CASE WHEN "日期" > d - INTERVAL 7 DAY AND "游客人次" > 0.8 * "最大承载量" THEN "景区编号" END) AS "拥挤景区",
  arg_max("景区名称", 1.0 * "游客人次" / "最大承载量") FILTER (WHERE "日期" > d - INTERVAL 7 DAY) AS "最挤景区",
  round(100.0 * max(1.0 * "游客人次" / "最大承载量") FILTER (WHERE "日期" > d - INTERVAL 7 DAY), 0) AS "最高负荷（%）"
FROM chosen
