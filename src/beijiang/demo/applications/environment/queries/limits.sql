SELECT "污染物", "平均时间", "一级", "二级", "单位", "标准", "生效日期", "失效日期", "依据", "核对"
FROM "环境空气质量限值"
WHERE ($pollutant IS NULL OR "污染物" = $pollutant)
ORDER BY "污染物", "平均时间", "生效日期"
