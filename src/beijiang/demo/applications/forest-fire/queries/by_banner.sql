SELECT
  "盟市",
  "旗县",
  round(max("火险指数"), 1) AS "火险指数"
FROM (
  SELECT "盟市", "旗县", "站点编码", arg_max("火险指数", "观测时间") AS "火险指数"
  FROM "森林火险气象"
  GROUP BY 1, 2, 3
) AS "最近"
WHERE ($league IS NULL OR "盟市" = $league)
GROUP BY 1, 2
ORDER BY 3 DESC, 2
LIMIT 110
