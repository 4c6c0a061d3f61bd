WITH newest AS (SELECT max("处罚决定日期") AS d FROM "行政处罚")
SELECT regexp_extract(p."处罚机关", '^(.+?[市盟])', 1) AS "盟市", count(*) AS "处罚数"
FROM "行政处罚" p CROSS JOIN newest n
WHERE p."处罚决定日期" > n.d - INTERVAL 1 YEAR
GROUP BY 1 ORDER BY 2 DESC, 1
