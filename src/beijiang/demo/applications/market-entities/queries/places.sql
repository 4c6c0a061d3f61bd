SELECT
  "基本信息_企业名称" AS "企业名称",
  "经营地_经度" AS "经度",
  "经营地_纬度" AS "纬度",
  1 AS "户数"
FROM "企业登记信息"
WHERE "经营地_经度" IS NOT NULL
  AND "经营地_纬度" IS NOT NULL
  AND ($league IS NULL OR "经营地_盟市" = $league)
  AND ($county IS NULL OR "经营地_旗县" = $county)
  AND ($year IS NULL OR year("基本信息_成立日期") = $year)
ORDER BY "基本信息_成立日期" DESC NULLS LAST, 1
LIMIT 500
