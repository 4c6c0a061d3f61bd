SELECT "污染物", count(*) FILTER (WHERE "是否超标" = '是') AS "超标天数"
FROM "环境空气质量日评价"
WHERE ($league IS NULL OR "盟市" = $league) AND ($pollutant IS NULL OR "污染物" = $pollutant)
GROUP BY 1 ORDER BY 2 DESC, 1
