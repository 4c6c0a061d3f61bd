SELECT "任务编号", max("任务") AS "任务", string_agg(CASE "职责" WHEN '牵头' THEN "责任部门" END, '、') AS "牵头部门",
  min("期限") AS "期限", min("剩余工作日") AS "剩余工作日", max("进度（%）") AS "进度（%）", max("亮灯") AS "亮灯", max("原因") AS "原因"
FROM "督办任务" WHERE "亮灯" <> '已办结'
GROUP BY 1 ORDER BY 5, 1 LIMIT 8
