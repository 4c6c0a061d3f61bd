WITH newest AS (SELECT max("月份") AS m FROM "地表水断面水质")
SELECT w."断面名称", w."盟市", w."流域", w."水质类别", w."目标类别", w."是否达标", w."高锰酸盐指数", w."氨氮", w."经度", w."纬度"
FROM "地表水断面水质" w JOIN newest n ON w."月份" = n.m
WHERE ($league IS NULL OR w."盟市" = $league)
ORDER BY w."是否达标", w."断面名称"
