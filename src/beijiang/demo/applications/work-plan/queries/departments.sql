SELECT "责任部门" AS "部门",
  count(*) FILTER (WHERE "职责" = '牵头') AS "牵头",
  count(*) FILTER (WHERE "职责" = '配合') AS "配合",
  count(*) FILTER (WHERE "亮灯" = '红灯') AS "红灯",
  count(*) FILTER (WHERE "亮灯" = '黄灯') AS "黄灯",
  count(*) FILTER (WHERE "亮灯" = '已办结') AS "已办结",
  round(avg("进度（%）"), 1) AS "平均进度（%）"
FROM "督办任务" WHERE ($department IS NULL OR "责任部门" = $department)
GROUP BY 1 ORDER BY 2 DESC, 3 DESC, 1
