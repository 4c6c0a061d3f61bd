SELECT DISTINCT "经营地_盟市" AS "盟市"
FROM "企业登记信息"
WHERE "经营地_盟市" IS NOT NULL
ORDER BY 1
