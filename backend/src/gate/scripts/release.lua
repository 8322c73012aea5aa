-- The write was refused: gives back what reserve took. KEYS: slots seats waitlist pending meta.
-- ARGV: generation, key, what the pending entry must name (seats "1,2" or "join").
-- Answers not_loaded | other_generation | nothing | rebuild | done.
local slots_key, seats_key, pending_key, meta_key = KEYS[1], KEYS[2], KEYS[4], KEYS[5]
local meta = redis.call('HMGET', meta_key, 'generation', 'joins')
if not meta[1] then return 'not_loaded' end
if meta[1] ~= ARGV[1] then return 'other_generation' end

local entry = redis.call('HGET', pending_key, ARGV[2])
if not entry then return 'nothing' end
local joins, what = string.match(entry, '^%d+|(%d+)|(.*)$')
if what ~= ARGV[3] then return 'nothing' end
if what ~= 'join' then
  if tonumber(meta[2]) > tonumber(joins) then return 'rebuild' end -- somebody queued up behind these seats
  local freed = 0
  for seat in string.gmatch(what, '%d+') do
    redis.call('SETBIT', seats_key, seat - 1, 0)
    freed = freed + 1
  end
  redis.call('INCRBY', slots_key, freed)
end
redis.call('HDEL', pending_key, ARGV[2])
return 'done'
