SELECT
  "站点名称" AS "观测点",
  arg_max("经度", "观测时间") AS "经度",
  arg_max("纬度", "观测时间") AS "纬度",
  round(arg_max("火险指数", "观测时间"), 1) AS "火险指数"
FROM "森林火险气象"
GROUP BY 1
ORDER BY 4 DESC, 1
