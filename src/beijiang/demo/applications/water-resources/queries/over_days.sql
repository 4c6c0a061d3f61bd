SELECT "日期", concat("水库名称", '（', "盟市", '）水位 ', CAST("水位" AS VARCHAR), ' 米，超汛限 ', CAST(round("水位" - "汛限水位", 2) AS VARCHAR), ' 米') AS "情况"
FROM "水库水情" WHERE "水位" > "汛限水位" ORDER BY 1 DESC, 2 LIMIT 15
