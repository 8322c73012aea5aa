-- After the commit of a cancellation, before it is answered: one unit. KEYS: slots seats waitlist pending meta.
-- ARGV: generation, free seats ("1,2" or ""), last waiting order that the transaction saw, waiters done ("" or "id,id").
-- Answers not_loaded | other_generation | rebuild | done.
local slots_key, seats_key, waitlist_key, meta_key = KEYS[1], KEYS[2], KEYS[3], KEYS[5]
local generation = redis.call('HGET', meta_key, 'generation')
if not generation then return 'not_loaded' end
if generation ~= ARGV[1] then return 'other_generation' end

local done = {}
for id in string.gmatch(ARGV[4], '[^,]+') do
  -- its join is not confirmed yet and would come back as a ghost
  if not redis.call('ZSCORE', waitlist_key, id) then return 'rebuild' end
  done[#done + 1] = id
end
if ARGV[2] ~= '' then
  -- one who joined after the transaction looked has a right to these seats
  if redis.call('ZCOUNT', waitlist_key, '(' .. ARGV[3], '+inf') > 0 then return 'rebuild' end
  local freed = 0
  for seat in string.gmatch(ARGV[2], '%d+') do
    redis.call('SETBIT', seats_key, seat - 1, 0)
    freed = freed + 1
  end
  redis.call('INCRBY', slots_key, freed)
end
for _, id in ipairs(done) do redis.call('ZREM', waitlist_key, id) end
redis.call('HINCRBY', meta_key, 'version', 1)
return 'done'
