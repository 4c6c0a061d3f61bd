WITH tasks AS (SELECT "任务编号", max("部分") AS part, max("进度（%）") AS done FROM "督办任务" GROUP BY 1)
SELECT part AS "部分", round(avg(done), 1) AS "平均进度（%）" FROM tasks GROUP BY 1 ORDER BY 1
