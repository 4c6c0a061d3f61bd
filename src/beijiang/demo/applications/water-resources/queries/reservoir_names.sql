SELECT DISTINCT "水库名称" FROM "水库水情" WHERE ($league IS NULL OR "盟市" = $league) ORDER BY 1
