SELECT CASE "方法" WHEN 'naive' THEN '沿用上期' WHEN 'seasonal_naive' THEN '沿用上年同期' WHEN 'theta' THEN 'Theta' WHEN 'ets' THEN '指数平滑' WHEN 'arima' THEN 'ARIMA' END AS "方法",
  CASE WHEN "采用" THEN '采用' ELSE '未采用' END AS "展示", round("MASE", 3) AS "误差（上年同期为 1）", round("sMAPE", 1) AS "误差（%）",
  round(100.0 * "覆盖80", 0) AS "80% 区间实际包含（%）", "检验点"
FROM "月度统计_预测_回测"
WHERE "指标" = $monthly AND "地区" = $league AND "方法" IS NOT NULL AND "运行" = (SELECT max("运行") FROM "月度统计_预测_回测")
ORDER BY "MASE"
