-- wrk: posts the body file, with the tokens of the token file in turn
local tokens, n = {}, 0
local statuses = {}

function init(args)
    local f = assert(io.open(args[1], "rb"))
    wrk.method = "POST"
    wrk.body = f:read("*a")
    f:close()
    wrk.headers["Content-Type"] = args[3]
    for token in io.lines(args[2]) do
        wrk.headers["Authorization"] = "Bearer " .. token
        tokens[#tokens + 1] = wrk.format()
    end
end

function request()
    n = n % #tokens + 1
    return tokens[n]
end

function done(summary, latency, requests)
    local e = summary.errors
    io.write(string.format('{"requests":%d,"failed":%d,"seconds":%.6f}\n', summary.requests,
                           e.connect + e.read + e.write + e.status + e.timeout, summary.duration / 1e6))
end
