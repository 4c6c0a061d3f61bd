SELECT "责任部门" AS "部门", "任务编号", "任务", "期限", "剩余工作日", "进度（%）", "亮灯", "原因"
FROM "督办任务"
WHERE "职责" = '牵头' AND ("亮灯" IN ('红灯', '黄灯') OR ("亮灯" <> '已办结' AND "剩余工作日" <= 22 AND "进度（%）" < 80))
  AND ($task IS NULL OR "任务编号" = $task) AND ($department IS NULL OR "责任部门" = $department)
ORDER BY "剩余工作日", 2, 1
