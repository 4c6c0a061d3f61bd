SELECT
  "触发时间",
  "传感器" || '：' || "规则" || '（' || "级别" || CASE WHEN "恢复时间" IS NULL THEN '，持续中' ELSE '，已恢复' END || '，' || "处理状态" || '）' AS "预警"
FROM "森林火险预警"
ORDER BY 1 DESC, 2
LIMIT 15
