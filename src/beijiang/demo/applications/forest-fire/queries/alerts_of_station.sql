SELECT
  "触发时间",
  "传感器" || '：' || "规则" || '（' || "处理状态" || '）' AS "预警"
FROM "森林火险预警"
WHERE "传感器" IN (
  SELECT DISTINCT "站点名称"
  FROM "森林火险气象"
  WHERE ($league IS NULL OR "盟市" = $league)
    AND ($banner IS NULL OR "旗县" = $banner)
    AND ($station IS NULL OR "站点名称" = $station)
)
ORDER BY 1 DESC, 2
LIMIT 30
