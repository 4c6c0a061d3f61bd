SELECT "发现时间", "盟市", "旗县"
FROM "卫星热点"
WHERE "核查结论" IS NULL
ORDER BY 1
LIMIT 100
