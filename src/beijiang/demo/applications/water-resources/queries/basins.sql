WITH newest AS (SELECT max("日期") AS d FROM "水库水情")
SELECT w."流域", count(*) AS "水库数", round(sum(w."蓄水量"), 0) AS "蓄水量", sum(w."兴利库容") AS "库容", round(100.0 * sum(w."蓄水量") / sum(w."兴利库容"), 1) AS "蓄满程度（%）"
FROM "水库水情" w JOIN newest n ON w."日期" = n.d GROUP BY 1 ORDER BY 4 DESC, 1
