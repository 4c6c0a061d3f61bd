SELECT "日期", "盟市", "污染物", "浓度", "限值", "单位", "倍数", "站点数", "标准", "核对"
FROM "环境空气质量日评价"
WHERE ($league IS NULL OR "盟市" = $league) AND ($pollutant IS NULL OR "污染物" = $pollutant) AND "是否超标" = '是'
ORDER BY "日期" DESC, "倍数" DESC, "盟市", "污染物" LIMIT 200
