-- Sends the requests of a list: method, path, access token, idempotency key and body, separated by tabs.
local requests, next_request = {}, 0

function init(arguments)
    for line in io.lines(arguments[1]) do
        local method, path, token, key, body = line:match("^(.-)\t(.-)\t(.-)\t(.-)\t(.*)$")
        local headers = {}
        if token ~= "" then headers["Authorization"] = "Bearer " .. token end
        if key ~= "" then headers["Idempotency-Key"] = key end
        if body ~= "" then headers["Content-Type"] = "application/json" end
        requests[#requests + 1] = wrk.format(method, path, headers, body ~= "" and body or nil)
    end
end

function request()
    next_request = next_request % #requests + 1
    return requests[next_request]
end

function done(summary, latency)
    local errors = summary.errors
    local failed = errors.status + errors.connect + errors.read + errors.write + errors.timeout
    io.write(string.format("RESULT %d %d %d %d %d\n", summary.requests, summary.duration, failed,
        latency:percentile(50), latency:percentile(99)))
end
