SELECT count(*) AS "场馆数", round(100.0 * count(*) FILTER (WHERE "免费开放") / nullif(count(*), 0), 1) AS "免费比例（%）"
FROM "文化场馆" WHERE ($league IS NULL OR "盟市" = $league)
