SELECT "期间" AS "月份", round("预测值", 2) AS "预测", round("下限80", 2) AS "80% 下限", round("上限80", 2) AS "80% 上限",
  round("下限95", 2) AS "95% 下限", round("上限95", 2) AS "95% 上限"
FROM "月度统计_预测"
WHERE "指标" = $monthly AND "地区" = $league AND "运行" = (SELECT max("运行") FROM "月度统计_预测")
ORDER BY 1
