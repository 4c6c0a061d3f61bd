SELECT
  "盟市",
  "旗县",
  "站点名称" AS "观测点",
  max("观测时间") AS "时间",
  arg_max("气温", "观测时间") AS "气温（℃）",
  arg_max("相对湿度", "观测时间") AS "湿度（%）",
  arg_max("风速", "观测时间") AS "风速（公里/时）",
  round(arg_max("火险指数", "观测时间"), 1) AS "火险指数"
FROM "森林火险气象"
WHERE ($league IS NULL OR "盟市" = $league)
  AND ($banner IS NULL OR "旗县" = $banner)
  AND ($station IS NULL OR "站点名称" = $station)
GROUP BY 1, 2, 3
ORDER BY 8 DESC, 3
LIMIT 100
