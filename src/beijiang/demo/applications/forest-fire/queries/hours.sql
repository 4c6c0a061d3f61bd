SELECT
  strftime("观测时间", '%m-%d %H:00') AS "时刻",
  round(max("火险指数"), 1) AS "最高火险指数",
  round(avg("火险指数"), 1) AS "平均火险指数",
  round(avg("气温"), 1) AS "平均气温（℃）",
  round(avg("相对湿度"), 0) AS "平均湿度（%）",
  round(max("风速"), 0) AS "最大风速（公里/时）"
FROM "森林火险气象"
WHERE "观测时间" > (SELECT max("观测时间") FROM "森林火险气象") - INTERVAL 24 HOUR
  AND ($league IS NULL OR "盟市" = $league)
  AND ($banner IS NULL OR "旗县" = $banner)
  AND ($station IS NULL OR "站点名称" = $station)
GROUP BY 1
ORDER BY 1
