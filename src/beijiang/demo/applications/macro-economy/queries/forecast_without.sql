SELECT "指标", "地区", CASE "未预测原因" WHEN 'short' THEN '太短' WHEN 'gaps' THEN '缺期太多' WHEN 'doubled' THEN '同一期有多个数值' WHEN 'constant' THEN '数值不变' WHEN 'redefined' THEN '口径已变更' WHEN 'ended' THEN '已停止更新' END AS "原因", "说明", "说明英文"
FROM "月度统计_预测_回测"
WHERE "未预测原因" IS NOT NULL AND "运行" = (SELECT max("运行") FROM "月度统计_预测_回测")
ORDER BY 3, 1, 2
