WITH newest AS (SELECT max("日期") AS d FROM "公路交通量")
SELECT t."观测站", t."路线", t."拥挤度" FROM "公路交通量" t JOIN newest n ON t."日期" = n.d WHERE t."拥挤度" > 0.8 ORDER BY 3 DESC, 1
