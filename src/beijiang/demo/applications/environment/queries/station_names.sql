SELECT DISTINCT "站点名称" FROM "空气质量小时数据" WHERE ($league IS NULL OR "盟市" = $league) ORDER BY 1
