SELECT "指标", "单位", "期间", "目标", "实际值", round(100.0 * "实际值" / nullif("目标值", 0), 1) AS "完成程度（%）", "完成情况", "责任部门", "依据"
FROM "督办指标" ORDER BY 6 DESC NULLS LAST, 1
