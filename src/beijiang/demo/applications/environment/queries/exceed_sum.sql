SELECT
  count(DISTINCT CASE WHEN "是否超标" = '是' THEN concat("盟市", CAST("日期" AS VARCHAR)) END) AS "超标天数",
  round(100.0 - 100.0 * count(DISTINCT CASE WHEN "是否超标" = '是' THEN concat("盟市", CAST("日期" AS VARCHAR)) END) / nullif(count(DISTINCT concat("盟市", CAST("日期" AS VARCHAR))), 0), 1) AS "达标率（%）",
  coalesce(mode(CASE WHEN "是否超标" = '是' THEN "污染物" END), '—') AS "主要污染物",
  strftime(max("数据截至"), '%Y-%m-%d %H:%M') AS "数据截至"
FROM "环境空气质量日评价"
WHERE ($league IS NULL OR "盟市" = $league) AND ($pollutant IS NULL OR "污染物" = $pollutant)
