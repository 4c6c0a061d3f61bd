SELECT CAST("时间" AS TIMESTAMP) AS "时间", concat("部门", '：', "事项", '“', "任务", '”，', "说明") AS "情况"
FROM "督办进展" WHERE "事项" <> '列入计划' AND ($department IS NULL OR "部门" = $department)
ORDER BY 1 DESC, 2 LIMIT 12
