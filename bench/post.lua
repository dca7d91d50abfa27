-- wrk: posts the body file, with the tokens of the token file in turn
local before, after
local tokens, n = {}, 0

function init(args)
    local f = assert(io.open(args[1], "rb"))
    wrk.method = "POST"
    wrk.body = f:read("*a")
    f:close()
    wrk.headers["Content-Type"] = args[3]
    for token in io.lines(args[2]) do
        tokens[#tokens + 1] = token
    end
    wrk.headers["Authorization"] = "Bearer " .. tokens[1]
    local first, last = assert(wrk.format():find(tokens[1], 1, true))
    before, after = wrk.format():sub(1, first - 1), wrk.format():sub(last + 1)
end

-- not made in advance: 100,000 requests would be 260 MB
function request()
    n = n % #tokens + 1
    return before .. tokens[n] .. after
end

function done(summary, latency, requests)
    local e = summary.errors
    io.write(string.format('{"requests":%d,"failed":%d,"seconds":%.6f}\n', summary.requests,
                           e.connect + e.read + e.write + e.status + e.timeout, summary.duration / 1e6))
end
