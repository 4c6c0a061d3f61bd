WITH newest AS (SELECT max("月份") AS m FROM "地表水断面水质")
SELECT w."盟市", round(100.0 * count(*) FILTER (WHERE w."是否达标" = '是') / count(*), 1) AS "达标率（%）"
FROM "地表水断面水质" w JOIN newest n ON w."月份" > n.m - INTERVAL 1 YEAR
GROUP BY 1 ORDER BY 2 DESC, 1
