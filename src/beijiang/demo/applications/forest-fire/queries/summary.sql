-- 每个观测点取最近一次读数。
SELECT
  count(*) AS "观测点数",
  count(*) FILTER (WHERE "火险指数" >= 12) AS "高火险点数",
  round(max("火险指数"), 1) AS "最高指数"
FROM (
  SELECT "站点编码", arg_max("火险指数", "观测时间") AS "火险指数"
  FROM "森林火险气象"
  GROUP BY 1
) AS "最近"
