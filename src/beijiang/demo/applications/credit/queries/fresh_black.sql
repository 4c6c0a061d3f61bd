WITH newest AS (SELECT max("列入日期") AS d FROM "信用红黑名单")
SELECT b."统一社会信用代码", b."主体名称", b."名单名称", b."列入日期"
FROM "信用红黑名单" b CROSS JOIN newest n
WHERE b."名单类别" = '黑名单' AND b."状态" = '有效' AND b."列入日期" > n.d - INTERVAL 7 DAY
ORDER BY 4 DESC, 1
