-- Moves the dead letter at place ARGV[1] of KEYS[1] back to the stream it came from, without what was noted about its
-- death. 1 if it was there, else 0.
local found = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])
if #found == 0 then return 0 end
local noted = { stream = true, entry = true, tries = true, error = true }
local letter, fields, stream = found[1][2], {}, nil
for i = 1, #letter, 2 do
    if letter[i] == 'stream' then stream = letter[i + 1] end
    if not noted[letter[i]] then
        fields[#fields + 1] = letter[i]
        fields[#fields + 1] = letter[i + 1]
    end
end
redis.call('XADD', stream, '*', unpack(fields))
redis.call('XDEL', KEYS[1], ARGV[1])
return 1
