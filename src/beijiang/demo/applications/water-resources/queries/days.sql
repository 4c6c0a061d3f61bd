SELECT "日期", round(sum("蓄水量"), 0) AS "蓄水量" FROM "水库水情" WHERE ($league IS NULL OR "盟市" = $league) GROUP BY 1 ORDER BY 1
