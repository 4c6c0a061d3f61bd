SELECT
  "基本信息_登记状态" AS "登记状态",
  count(*) AS "户数"
FROM "企业登记信息"
WHERE "基本信息_登记状态" IS NOT NULL
  AND ($league IS NULL OR "经营地_盟市" = $league)
  AND ($county IS NULL OR "经营地_旗县" = $county)
  AND ($industry IS NULL OR "基本信息_行业门类" = $industry)
GROUP BY 1
ORDER BY 2 DESC, 1
LIMIT 12
