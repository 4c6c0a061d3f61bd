SELECT CAST(p."时间" AS TIMESTAMP) AS "时间", concat(p."任务编号", ' ', p."任务", '：', p."部门", p."事项", '，', p."说明") AS "情况"
FROM "督办进展" p
WHERE ($task IS NULL OR p."任务编号" = $task) AND ($department IS NULL OR p."部门" = $department)
ORDER BY 1 DESC, 2 LIMIT 60
