WITH subjects AS (
  SELECT "统一社会信用代码" AS code, "行政相对人名称" AS name, 1 AS l, 0 AS p, 0 AS r, 0 AS b FROM "行政许可" WHERE "统一社会信用代码" IS NOT NULL
  UNION ALL SELECT "统一社会信用代码", "行政相对人名称", 0, 1, 0, 0 FROM "行政处罚" WHERE "统一社会信用代码" IS NOT NULL
  UNION ALL SELECT "统一社会信用代码", "主体名称", 0, 0, CASE "名单类别" WHEN '红名单' THEN 1 ELSE 0 END, CASE "名单类别" WHEN '黑名单' THEN 1 ELSE 0 END
    FROM "信用红黑名单" WHERE "状态" = '有效'
)
SELECT code AS "统一社会信用代码", max(name) AS "主体名称", sum(l) AS "许可", sum(p) AS "处罚", sum(r) AS "红名单", sum(b) AS "黑名单"
FROM subjects
WHERE ($name IS NULL OR contains(name, $name) OR code = upper($name))
GROUP BY 1
ORDER BY 6 DESC, 4 DESC, 1
LIMIT 100
