SELECT "行业门类" AS "行业", count(*) FILTER (WHERE "名单类别" = '红名单') AS "红名单", count(*) FILTER (WHERE "名单类别" = '黑名单') AS "黑名单"
FROM "信用红黑名单" WHERE "状态" = '有效' AND ($league IS NULL OR "盟市" = $league)
GROUP BY 1 ORDER BY 2 DESC, 1
