WITH placed AS (
  SELECT w.*, l."名称" AS league FROM "气象站日观测" w
  JOIN "行政区划" c ON CAST(c."区划代码" AS VARCHAR) = CAST(w."区划代码" AS VARCHAR)
  JOIN "行政区划" l ON CAST(l."区划代码" AS VARCHAR) = CAST(c."上级代码" AS VARCHAR)
), newest AS (SELECT max("观测日期") AS d FROM "气象站日观测")
SELECT p."站名", p.league AS "盟市", p."平均气温", p."最高气温", p."最低气温", p."降水量", p."平均风速", p."相对湿度", p."经度", p."纬度"
FROM placed p JOIN newest n ON p."观测日期" = n.d WHERE ($league IS NULL OR p.league = $league) ORDER BY 6 DESC NULLS LAST, 1
