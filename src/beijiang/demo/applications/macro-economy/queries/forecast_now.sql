WITH tested AS (
  SELECT max(CASE "方法" WHEN 'naive' THEN '沿用上期' WHEN 'seasonal_naive' THEN '沿用上年同期' WHEN 'theta' THEN 'Theta' WHEN 'ets' THEN '指数平滑' WHEN 'arima' THEN 'ARIMA' END) FILTER (WHERE "采用") AS method, max("MASE") FILTER (WHERE "采用") AS mase,
    min("MASE") FILTER (WHERE "方法" IN ('naive', 'seasonal_naive')) AS simple,
    max(CASE "未预测原因" WHEN 'short' THEN '太短' WHEN 'gaps' THEN '缺期太多' WHEN 'doubled' THEN '同一期有多个数值' WHEN 'constant' THEN '数值不变' WHEN 'redefined' THEN '口径已变更' WHEN 'ended' THEN '已停止更新' END) AS why, max("说明") AS words
  FROM "月度统计_预测_回测"
  WHERE "指标" = $monthly AND "地区" = $league AND "运行" = (SELECT max("运行") FROM "月度统计_预测_回测")
), next AS (
  SELECT min("期间") AS p, arg_min("预测值", "期间") AS v, arg_min("下限80", "期间") AS l, arg_min("上限80", "期间") AS h FROM "月度统计_预测"
  WHERE "指标" = $monthly AND "地区" = $league AND "运行" = (SELECT max("运行") FROM "月度统计_预测")
)
SELECT n.p AS "月份", round(n.v, 2) AS "预测", round(n.l, 2) AS "下限", round(n.h, 2) AS "上限",
  (SELECT max("单位") FROM "月度统计" WHERE "指标" = $monthly) AS "单位",
  t.method AS "方法", round(t.mase, 2) AS "误差", round(t.simple, 2) AS "最简单方法的误差",
  CASE WHEN n.p IS NULL THEN 1 ELSE 0 END AS "没有预测", t.why AS "原因", t.words AS "说明"
FROM tested t CROSS JOIN next n
