WITH newest AS (SELECT max("日期") AS d FROM "公路交通量")
SELECT t."观测站", t."路线", t."盟市", t."交通量", t."平均车速", t."拥挤度",
  CASE WHEN t."拥挤度" > 0.8 THEN '拥挤' WHEN t."拥挤度" > 0.6 THEN '较拥挤' ELSE '畅通' END AS "状态", t."经度", t."纬度"
FROM "公路交通量" t JOIN newest n ON t."日期" = n.d
WHERE ($league IS NULL OR t."盟市" = $league) AND ($road IS NULL OR t."路线" = $road)
ORDER BY 6 DESC, 1
