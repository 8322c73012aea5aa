-- Replaces an event's gate by the image of its rows. KEYS: slots seats waitlist pending meta.
-- ARGV: generation, version, total, slots, bitmap of ceil(total / 8) bytes, then order and booking id of each waiter.
-- Answers loaded | kept: a gate of the same or a newer generation stays as it is.
local generation = redis.call('HGET', KEYS[5], 'generation')
if generation and tonumber(generation) >= tonumber(ARGV[1]) then return 'kept' end
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5])
redis.call('SET', KEYS[1], ARGV[4])
redis.call('SET', KEYS[2], ARGV[5])
for from = 6, #ARGV, 2000 do -- unpack fails near 4,000 values
  redis.call('ZADD', KEYS[3], unpack(ARGV, from, math.min(from + 1999, #ARGV)))
end
redis.call('HSET', KEYS[5], 'generation', ARGV[1], 'version', ARGV[2], 'total', ARGV[3], 'joins', 0)
return 'loaded'
