SELECT "统一社会信用代码", "主体名称", "名单类别", "名单名称", "盟市", "列入日期", "截止日期", "状态"
FROM "信用红黑名单"
WHERE ($kind IS NULL OR "名单类别" = $kind) AND ($league IS NULL OR "盟市" = $league)
ORDER BY "列入日期" DESC, 1 LIMIT 200
