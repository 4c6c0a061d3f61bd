SELECT "盟市", "旗县", count(*) AS "站点数", round(100.0 * count(*) FILTER (WHERE "无障碍") / count(*), 1) AS "无障碍（%）"
FROM "公交站点" WHERE ($league IS NULL OR "盟市" = $league) GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2
