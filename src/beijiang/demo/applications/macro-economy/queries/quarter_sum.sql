-- 灯按该季末有效的预警规则判定，见“经济预警规则”。
WITH grown AS (
  SELECT a."盟市", a."季度", a."季末日期" AS d, a."指标", a."单位", a."数值", round(100.0 * a."数值" / nullif(b."数值", 0) - 100, 1) AS g
  FROM "季度经济指标" a
  LEFT JOIN "季度经济指标" b ON b."盟市" = a."盟市" AND b."指标" = a."指标" AND b."季末日期" = a."季末日期" - INTERVAL 1 YEAR
), lit AS (
  SELECT x.*, CASE WHEN x.g IS NULL THEN NULL WHEN x.g < r."红灯线（%）" THEN '红灯' WHEN x.g < r."黄灯线（%）" THEN '黄灯' ELSE '绿灯' END AS lamp
  FROM grown x LEFT JOIN "经济预警规则" r ON r."指标" = x."指标" AND x.d BETWEEN r."生效日期" AND r."失效日期"
), newest AS (SELECT max(d) AS d FROM grown)
SELECT
  max("季度") AS "季度",
  max("数值") FILTER (WHERE "指标" = '地区生产总值') AS "地区生产总值",
  max(g) FILTER (WHERE "指标" = '地区生产总值') AS "生产总值同比（%）",
  max("数值") FILTER (WHERE "指标" = '固定资产投资') AS "固定资产投资",
  max(g) FILTER (WHERE "指标" = '固定资产投资') AS "投资同比（%）",
  max("数值") FILTER (WHERE "指标" = '社会消费品零售总额') AS "零售总额",
  max(g) FILTER (WHERE "指标" = '社会消费品零售总额') AS "零售同比（%）",
  max("数值") FILTER (WHERE "指标" = '一般公共预算收入') AS "预算收入",
  max(g) FILTER (WHERE "指标" = '一般公共预算收入') AS "收入同比（%）",
  count(*) FILTER (WHERE lamp = '红灯') AS "红灯数",
  count(*) FILTER (WHERE lamp = '黄灯') AS "黄灯数",
  arg_min("指标", g) AS "最低指标",
  min(g) AS "最低增速"
FROM lit JOIN newest ON lit.d = newest.d
WHERE "盟市" = $league
