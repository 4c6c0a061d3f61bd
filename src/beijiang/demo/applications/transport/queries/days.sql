SELECT "日期", sum("客车") AS "客车", sum("货车") AS "货车" FROM "公路交通量"
WHERE ($league IS NULL OR "盟市" = $league) AND ($road IS NULL OR "路线" = $road) GROUP BY 1 ORDER BY 1
