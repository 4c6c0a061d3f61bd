SELECT "亮灯", count(DISTINCT "任务编号") AS "任务数" FROM "督办任务" GROUP BY 1 ORDER BY 2 DESC, 1
