SELECT "场馆名称", "场馆类别" AS "类别", "盟市", "旗县", "开放时间", CASE WHEN "免费开放" THEN '是' ELSE '否' END AS "免费"
FROM "文化场馆" WHERE ($league IS NULL OR "盟市" = $league) ORDER BY 3, 4, 1 LIMIT 200
