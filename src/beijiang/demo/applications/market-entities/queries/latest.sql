SELECT
  "基本信息_成立日期" AS "成立日期",
  "基本信息_企业名称" AS "企业名称"
FROM "企业登记信息"
WHERE "基本信息_成立日期" IS NOT NULL
  AND ($league IS NULL OR "经营地_盟市" = $league)
  AND ($county IS NULL OR "经营地_旗县" = $county)
  AND ($industry IS NULL OR "基本信息_行业门类" = $industry)
ORDER BY 1 DESC, 2
LIMIT 15
