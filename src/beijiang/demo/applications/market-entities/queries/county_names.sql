SELECT DISTINCT "经营地_旗县" AS "旗县"
FROM "企业登记信息"
WHERE "经营地_旗县" IS NOT NULL
ORDER BY 1
