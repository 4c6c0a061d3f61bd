SELECT m."月份", m."数值", m."单位", round(100.0 * m."数值" / nullif(b."数值", 0) - 100, 1) AS "同比（%）"
FROM "月度统计" m
LEFT JOIN "月度统计" b ON b."指标" = m."指标" AND b."地区" = m."地区" AND CAST(concat(b."月份", '-01') AS DATE) = CAST(concat(m."月份", '-01') AS DATE) - INTERVAL 1 YEAR
WHERE m."指标" = $monthly AND m."地区" = $league
ORDER BY 1
