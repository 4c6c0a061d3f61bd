SELECT
  "经营地_盟市" AS "盟市",
  "经营地_旗县" AS "旗县",
  count(*) AS "户数"
FROM "企业登记信息"
WHERE "经营地_旗县" IS NOT NULL
  AND ($league IS NULL OR "经营地_盟市" = $league)
  AND ($year IS NULL OR year("基本信息_成立日期") = $year)
GROUP BY 1, 2
ORDER BY 3 DESC, 1, 2
LIMIT 110
