WITH newest AS (SELECT max("日期") AS d FROM "水库水情")
SELECT w."水库名称", w."盟市", w."水位", w."汛限水位" FROM "水库水情" w JOIN newest n ON w."日期" = n.d
WHERE w."水位" > w."汛限水位" ORDER BY 1
