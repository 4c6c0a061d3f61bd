SELECT "场馆类别" AS "类别", count(*) AS "场馆数" FROM "文化场馆" WHERE ($league IS NULL OR "盟市" = $league) GROUP BY 1 ORDER BY 2 DESC, 1
