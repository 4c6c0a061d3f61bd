SELECT strftime("月份", '%Y-%m') AS "月份", concat("断面名称", '（', "盟市", '）', "水质类别", '，目标', "目标类别") AS "情况"
FROM "地表水断面水质"
WHERE "是否达标" = '否' AND ($league IS NULL OR "盟市" = $league)
ORDER BY 1 DESC, 2 LIMIT 8
