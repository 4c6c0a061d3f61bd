WITH newest AS (SELECT max("日期") AS d FROM "公路交通量")
SELECT t."路线", round(sum(t."交通量") / 7.0, 0) AS "日均交通量" FROM "公路交通量" t JOIN newest n ON t."日期" > n.d - INTERVAL 7 DAY
WHERE ($league IS NULL OR t."盟市" = $league) GROUP BY 1 ORDER BY 2 DESC, 1
