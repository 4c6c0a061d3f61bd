SELECT DISTINCT year("基本信息_成立日期") AS "年份"
FROM "企业登记信息"
WHERE "基本信息_成立日期" IS NOT NULL
ORDER BY 1 DESC
