SELECT "日期", round(max("水位" - "汛限水位"), 2) AS "最高", round(avg("水位" - "汛限水位"), 2) AS "平均"
FROM "水库水情" WHERE ($league IS NULL OR "盟市" = $league) AND ($reservoir IS NULL OR "水库名称" = $reservoir) GROUP BY 1 ORDER BY 1
