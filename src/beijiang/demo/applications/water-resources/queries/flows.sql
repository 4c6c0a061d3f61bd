SELECT "日期", round(sum("入库流量"), 1) AS "入库流量", round(sum("出库流量"), 1) AS "出库流量"
FROM "水库水情" WHERE ($league IS NULL OR "盟市" = $league) GROUP BY 1 ORDER BY 1
