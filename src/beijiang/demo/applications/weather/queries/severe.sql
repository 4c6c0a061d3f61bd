WITH newest AS (SELECT max("发布时间") AS t FROM "气象灾害预警")
SELECT w."发布时间", w."级别", w."类型", w."盟市", w."旗县" FROM "气象灾害预警" w JOIN newest n ON w."发布时间" > n.t - INTERVAL 7 DAY
WHERE w."级别序号" >= 3 ORDER BY 1 DESC
