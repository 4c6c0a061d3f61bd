WITH newest AS (SELECT max("日期") AS d FROM "水库水情")
SELECT w."水库名称", w."盟市", w."水位", w."汛限水位", round(w."水位" - w."汛限水位", 2) AS "差值", w."蓄水量",
  round(100.0 * w."蓄水量" / w."兴利库容", 1) AS "蓄满程度（%）",
  CASE WHEN w."水位" > w."汛限水位" THEN '超汛限' WHEN w."水位" > w."汛限水位" - 0.5 THEN '接近汛限' ELSE '正常' END AS "状态", w."经度", w."纬度"
FROM "水库水情" w JOIN newest n ON w."日期" = n.d
WHERE ($league IS NULL OR w."盟市" = $league) AND ($reservoir IS NULL OR w."水库名称" = $reservoir)
ORDER BY 5 DESC, 1
