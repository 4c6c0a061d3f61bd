SELECT "统一社会信用代码", "主体名称", "名单类别", "名单名称", "状态", "激励惩戒措施" AS "奖惩措施", "认定依据", "认定机关", "列入日期", "截止日期"
FROM "信用红黑名单"
WHERE "统一社会信用代码" = upper($subject)
ORDER BY CASE "状态" WHEN '有效' THEN 0 ELSE 1 END, "列入日期" DESC
