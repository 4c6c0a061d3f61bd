SELECT
  "发现时间",
  "盟市",
  "旗县",
  "卫星",
  "亮温" AS "亮温（K）",
  "地类",
  "反馈时间",
  coalesce("核查结论", '待反馈') AS "核查结论"
FROM "卫星热点"
WHERE ($league IS NULL OR "盟市" = $league)
ORDER BY 1 DESC, 3
LIMIT 100
