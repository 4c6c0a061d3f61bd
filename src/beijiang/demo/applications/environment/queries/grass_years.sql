SELECT "年份", round(sum("植被盖度（%）" * "草原面积（万亩）") / sum("草原面积（万亩）"), 1) AS "植被盖度（%）",
  round(sum("超载率（%）" * "草原面积（万亩）") / sum("草原面积（万亩）"), 1) AS "超载率（%）", round(sum("修复面积（万亩）"), 0) AS "修复面积（万亩）"
FROM "草原生态监测" WHERE ($league IS NULL OR "盟市" = $league) GROUP BY 1 ORDER BY 1
