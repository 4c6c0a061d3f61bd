WITH years AS (
  SELECT "年份",
    sum("植被盖度（%）" * "草原面积（万亩）") / sum("草原面积（万亩）") AS cover, sum("鲜草产量（万吨）") AS grass,
    sum("超载率（%）" * "草原面积（万亩）") / sum("草原面积（万亩）") AS over, sum("修复面积（万亩）") AS mended
  FROM "草原生态监测" WHERE ($league IS NULL OR "盟市" = $league) GROUP BY 1
)
SELECT "年份", round(cover, 1) AS "植被盖度（%）", round(cover - lag(cover) OVER (ORDER BY "年份"), 1) AS "比上年（百分点）",
  round(grass, 0) AS "鲜草产量（万吨）", round(over, 1) AS "超载率（%）", round(mended, 0) AS "修复面积（万亩）"
FROM years ORDER BY "年份" DESC LIMIT 1
