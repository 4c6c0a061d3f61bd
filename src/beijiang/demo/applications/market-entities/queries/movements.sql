-- 每年新登记与退出（注销、吊销）的户数；登记册没有退出日期的年份退出为 0。
SELECT
  "年份",
  CAST(sum("新登记") AS BIGINT) AS "新登记户数",
  CAST(sum("退出") AS BIGINT) AS "退出户数",
  CAST(sum("新登记") - sum("退出") AS BIGINT) AS "净增户数"
FROM (
  SELECT year("基本信息_成立日期") AS "年份", 1 AS "新登记", 0 AS "退出"
  FROM "企业登记信息"
  WHERE ($league IS NULL OR "经营地_盟市" = $league)
    AND ($county IS NULL OR "经营地_旗县" = $county)
    AND ($industry IS NULL OR "基本信息_行业门类" = $industry)
  UNION ALL
  SELECT year("基本信息_注销吊销日期"), 0, 1
  FROM "企业登记信息"
  WHERE ($league IS NULL OR "经营地_盟市" = $league)
    AND ($county IS NULL OR "经营地_旗县" = $county)
    AND ($industry IS NULL OR "基本信息_行业门类" = $industry)
) AS "变动"
WHERE "年份" IS NOT NULL
GROUP BY 1
ORDER BY 1
