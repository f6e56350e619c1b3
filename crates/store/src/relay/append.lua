-- Appends entries to the stream KEYS[1], all or none, and returns their ids after a leading 'sent'.
-- The sender says which id it knows as the last one sent (ARGV[1] ms, ARGV[2] number; 0 0 for none). A stream that is not
-- that far has lost entries: nothing is appended, and 'behind' with the stream's own last id is returned.
-- ARGV[3] is the number of entries to keep, about; ARGV[4] the number of values of each entry (names and values
-- alternate); then come the entries.
local last = '0-0'
if redis.call('EXISTS', KEYS[1]) == 1 then
    local info = redis.call('XINFO', 'STREAM', KEYS[1])
    for i = 1, #info, 2 do
        if info[i] == 'last-generated-id' then last = info[i + 1] end
    end
end
local dash = string.find(last, '-', 1, true)
local ms, n = tonumber(string.sub(last, 1, dash - 1)), tonumber(string.sub(last, dash + 1))
local known_ms, known_n = tonumber(ARGV[1]), tonumber(ARGV[2])
if ms < known_ms or (ms == known_ms and n < known_n) then
    return { 'behind', last }
end
local answer, width = { 'sent' }, tonumber(ARGV[4])
for first = 5, #ARGV, width do
    answer[#answer + 1] = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], '*',
        unpack(ARGV, first, first + width - 1))
end
return answer
