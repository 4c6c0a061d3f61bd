SELECT "类型",
  count(*) FILTER (WHERE "级别" = '蓝色') AS "蓝色", count(*) FILTER (WHERE "级别" = '黄色') AS "黄色",
  count(*) FILTER (WHERE "级别序号" >= 3) AS "橙色和红色"
FROM "气象灾害预警" WHERE ($league IS NULL OR "盟市" = $league) AND ($kind IS NULL OR "类型" = $kind)
GROUP BY 1 ORDER BY count(*) DESC, 1
