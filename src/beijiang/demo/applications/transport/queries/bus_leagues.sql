SELECT "盟市", count(*) AS "站点数" FROM "公交站点" GROUP BY 1 ORDER BY 2 DESC, 1
