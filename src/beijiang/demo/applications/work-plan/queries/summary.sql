WITH tasks AS (
  SELECT "任务编号", max("任务") AS name, max("亮灯") AS lamp, max("进度（%）") AS done, min("期限") AS due,
    max(CASE "职责" WHEN '牵头' THEN "责任部门" END) AS lead
  FROM "督办任务" GROUP BY 1
)
SELECT count(*) AS "任务数",
  count(*) FILTER (WHERE lamp = '红灯') AS "红灯",
  count(*) FILTER (WHERE lamp = '黄灯') AS "黄灯",
  count(*) FILTER (WHERE lamp = '已办结') AS "已办结",
  round(avg(done), 1) AS "平均进度（%）",
  arg_min(name, due) FILTER (WHERE lamp = '红灯') AS "最急任务",
  arg_min(lead, due) FILTER (WHERE lamp = '红灯') AS "最急部门"
FROM tasks
