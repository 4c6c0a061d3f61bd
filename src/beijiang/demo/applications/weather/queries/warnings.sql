SELECT "发布时间", "级别", "类型", "盟市", "旗县", "内容", "解除时间" FROM "气象灾害预警"
WHERE ($league IS NULL OR "盟市" = $league) AND ($kind IS NULL OR "类型" = $kind)
ORDER BY 1 DESC, "预警编号" LIMIT 100
