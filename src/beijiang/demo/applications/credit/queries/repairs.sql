SELECT "申请日期", concat("受理编号", '：', "结果", '，', "理由", '（', "办理机关", '）') AS "情况"
FROM "信用修复" WHERE "统一社会信用代码" = upper($subject)
ORDER BY 1 DESC LIMIT 20
