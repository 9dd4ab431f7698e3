-- One attempt of one client. Its bucket is a text, "<missing> <at>": what the full bucket lacked, in
-- millionths of a request, at a time in microseconds of this server's clock. A key that is gone is a
-- full bucket, so a key needs to live only until its bucket is full again.
-- KEYS: the bucket. ARGV: requests a second that it gains, requests that it holds, and what the
-- server that asks knows to be missing.
local REQUEST = 1000000
local rate, capacity, known = tonumber(ARGV[1]), tonumber(ARGV[2]) * REQUEST, tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local missing, is_news = 0, false
local was, at = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (%d+)$')
if was then
    missing = math.max(tonumber(was) - math.max(now - at, 0) * rate, 0)
    -- After a clock has run backwards, the bucket fills from now on and not only from then.
    is_news = tonumber(at) > now
end
is_news = is_news or known > missing
missing = math.min(math.max(missing, known), capacity)
local refused = missing + REQUEST > capacity
if not refused then
    missing = missing + REQUEST
end
if is_news or not refused then
    local text = string.format('%.0f %.0f', missing, now)
    redis.call('SET', KEYS[1], text, 'PX', math.max(math.ceil(missing / rate / 1000), 1))
end
return { refused and 1 or 0, missing }
