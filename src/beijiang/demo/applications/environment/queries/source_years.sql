SELECT
  "年份",
  round(sum("排放量（吨）") FILTER (WHERE "源类" = '工业源'), 0) AS "工业源",
  round(sum("排放量（吨）") FILTER (WHERE "源类" = '移动源'), 0) AS "移动源",
  round(sum("排放量（吨）") FILTER (WHERE "源类" = '生活源'), 0) AS "生活源",
  round(sum("排放量（吨）") FILTER (WHERE "源类" = '扬尘源'), 0) AS "扬尘源",
  round(sum("排放量（吨）") FILTER (WHERE "源类" = '农业源'), 0) AS "农业源"
FROM "大气污染源排放"
WHERE "污染物" = $emitted AND ($league IS NULL OR "盟市" = $league)
GROUP BY 1 ORDER BY 1
