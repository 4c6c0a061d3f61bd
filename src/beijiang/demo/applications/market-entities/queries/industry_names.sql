SELECT DISTINCT "基本信息_行业门类" AS "行业"
FROM "企业登记信息"
WHERE "基本信息_行业门类" IS NOT NULL
ORDER BY 1
