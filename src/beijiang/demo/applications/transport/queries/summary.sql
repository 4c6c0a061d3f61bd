WITH newest AS (SELECT max("日期") AS d FROM "公路交通量"),
chosen AS (SELECT t.*, n.d FROM "公路交通量" t CROSS JOIN newest n WHERE ($league IS NULL OR t."盟市" = $league) AND ($road IS NULL OR t."路线" = $road))
SELECT
  max(d) AS "日期",
  sum("交通量") FILTER (WHERE "日期" = d) AS "交通量",
  round(100.0 * sum("交通量") FILTER (WHERE "日期" = d) / nullif(sum("交通量") FILTER (WHERE "日期" = d - INTERVAL 7 DAY), 0) - 100, 1) AS "比上周同日（%）",
  round(100.0 * sum("货车") FILTER (WHERE "日期" = d) / nullif(sum("交通量") FILTER (WHERE "日期" = d), 0), 1) AS "货车比例（%）",
  round(avg("平均车速") FILTER (WHERE "日期" = d), 1) AS "平均车速",
  count(*) FILTER (WHERE "日期" = d AND "拥挤度" > 0.8) AS "拥挤站",
  arg_max("观测站", "拥挤度") FILTER (WHERE "日期" = d) AS "最挤站",
  max("拥挤度") FILTER (WHERE "日期" = d) AS "最高拥挤度"
FROM chosen
