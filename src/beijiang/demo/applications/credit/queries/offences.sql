SELECT "违法行为类型", count(*) AS "处罚数" FROM "行政处罚" WHERE "违法行为类型" IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 12
