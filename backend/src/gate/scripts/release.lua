-- Nobody writes what this attempt took, or may have taken: gives it back. KEYS: slots seats waitlist pending meta.
-- ARGV: key, attempt. Answers the generation that must be rebuilt, else 0. It can be sent again: another attempt's entry is
-- left alone.
local slots_key, seats_key, pending_key, meta_key = KEYS[1], KEYS[2], KEYS[4], KEYS[5]
local entry = redis.call('HGET', pending_key, ARGV[1])
if not entry then return 0 end
local joins, attempt, what = string.match(entry, '^%d+|(%d+)|([^|]+)|(.*)$')
if attempt ~= ARGV[2] then return 0 end

if what ~= 'join' then
  local meta = redis.call('HMGET', meta_key, 'generation', 'joins')
  if tonumber(meta[2]) > tonumber(joins) then return tonumber(meta[1]) end -- somebody queued up behind these seats
  local freed = 0
  for seat in string.gmatch(what, '%d+') do
    redis.call('SETBIT', seats_key, seat - 1, 0)
    freed = freed + 1
  end
  redis.call('INCRBY', slots_key, freed)
end
redis.call('HDEL', pending_key, ARGV[1])
return 0
