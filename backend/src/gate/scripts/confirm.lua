-- After a commit. KEYS: slots seats waitlist pending meta. ARGV: generation, then per item four values:
--   key, what the pending entry must name (seats "1,2" or "join"), for a join "order|k", waiters done ("" or "id,id").
-- Answers not_loaded | other_generation | {done|nothing|rebuild, ...} in the order of the items.
-- `rebuild` has changed nothing: the watcher finds the same if the caller dies here.
local slots_key, waitlist_key, pending_key, meta_key = KEYS[1], KEYS[3], KEYS[4], KEYS[5]
local generation = redis.call('HGET', meta_key, 'generation')
if not generation then return 'not_loaded' end
if generation ~= ARGV[1] then return 'other_generation' end

local function confirm(key, what, join, done_list)
  local entry = redis.call('HGET', pending_key, key)
  if not entry or string.match(entry, '^%d+|%d+|[^|]+|(.*)$') ~= what then return 'nothing' end
  local order, k
  if what == 'join' then
    order, k = string.match(join, '^(%d+)|(%d+)$')
    if tonumber(redis.call('GET', slots_key)) >= tonumber(k) then return 'rebuild' end -- seats came free meanwhile
  end
  local done = {}
  for id in string.gmatch(done_list, '[^,]+') do
    -- its own join is not confirmed yet and would come back as a ghost
    if not redis.call('ZSCORE', waitlist_key, id) then return 'rebuild' end
    done[#done + 1] = id
  end
  redis.call('HDEL', pending_key, key)
  redis.call('HINCRBY', meta_key, 'version', 1)
  if order then
    redis.call('ZADD', waitlist_key, order, key)
    redis.call('HINCRBY', meta_key, 'joins', 1)
  end
  for _, id in ipairs(done) do redis.call('ZREM', waitlist_key, id) end
  return 'done'
end

local answers = {}
for i = 2, #ARGV, 4 do
  answers[#answers + 1] = confirm(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])
end
return answers
