WITH newest AS (SELECT max("年份") AS y FROM "大气污染源排放")
SELECT s."源类", round(sum(s."排放量（吨）"), 0) AS "排放量（吨）"
FROM "大气污染源排放" s JOIN newest n ON s."年份" = n.y
WHERE s."污染物" = $emitted AND ($league IS NULL OR s."盟市" = $league)
GROUP BY 1 ORDER BY 2 DESC
