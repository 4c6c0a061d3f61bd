SELECT "名单名称", count(*) AS "条数" FROM "信用红黑名单"
WHERE "状态" = '有效' AND ($kind IS NULL OR "名单类别" = $kind) AND ($league IS NULL OR "盟市" = $league)
GROUP BY 1 ORDER BY 2 DESC, 1
