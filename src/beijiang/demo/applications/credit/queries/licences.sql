SELECT "许可决定日期" AS "日期", "许可证书名称", "许可类别", "有效期至", "许可机关", CASE "当前状态" WHEN 1 THEN '有效' ELSE '已失效' END AS "状态"
FROM "行政许可" WHERE "统一社会信用代码" = upper($subject)
ORDER BY 1 DESC LIMIT 100
