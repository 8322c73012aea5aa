-- Nobody writes what this attempt took, or may have taken: gives it back. KEYS: slots seats waitlist pending meta.
-- ARGV: key, attempt. Answers nothing | rebuild | done. It can be sent again: another attempt's entry is left alone.
local slots_key, seats_key, pending_key, meta_key = KEYS[1], KEYS[2], KEYS[4], KEYS[5]
local entry = redis.call('HGET', pending_key, ARGV[1])
if not entry then return 'nothing' end
local joins, attempt, what = string.match(entry, '^%d+|(%d+)|([^|]+)|(.*)$')
if attempt ~= ARGV[2] then return 'nothing' end

if what ~= 'join' then
  -- somebody queued up behind these seats
  if tonumber(redis.call('HGET', meta_key, 'joins')) > tonumber(joins) then return 'rebuild' end
  local freed = 0
  for seat in string.gmatch(what, '%d+') do
    redis.call('SETBIT', seats_key, seat - 1, 0)
    freed = freed + 1
  end
  redis.call('INCRBY', slots_key, freed)
end
redis.call('HDEL', pending_key, ARGV[1])
return 'done'
