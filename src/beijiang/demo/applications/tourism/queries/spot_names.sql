SELECT DISTINCT "景区名称" FROM "景区客流" WHERE ($league IS NULL OR "盟市" = $league) ORDER BY 1
