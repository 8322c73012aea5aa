-- Takes seats, or notes that a booking will join the waitlist. KEYS: slots seats waitlist pending meta.
-- ARGV: key, attempt, mode (exact|prefer|lowest|up_to), k, waitlist (1|0), requested seats...
-- The entry is "milliseconds|joins until then|attempt|seats or join".
-- Answers {word, generation, ...}: not_loaded | in_flight | out_of_range slots | seats_taken seats... |
--   sold_out slots total | join | seats reassigned seats...
local slots_key, seats_key, pending_key, meta_key = KEYS[1], KEYS[2], KEYS[4], KEYS[5]
local key, attempt, mode, k, waitlist = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5] == '1'

local meta = redis.call('HMGET', meta_key, 'generation', 'total', 'joins')
local generation, total, joins = meta[1], tonumber(meta[2]), meta[3]
if not generation then return {'not_loaded'} end
if redis.call('HEXISTS', pending_key, key) == 1 then return {'in_flight', generation} end
if mode ~= 'up_to' and k > total then return {'out_of_range', generation, redis.call('GET', slots_key)} end

local function lowest(count)
  local found, from = {}, 0
  while #found < count do
    local bit = redis.call('BITPOS', seats_key, 0, from, -1, 'BIT')
    if bit < 0 or bit >= total then return nil end -- the last byte has bits past the last seat
    found[#found + 1] = bit + 1
    from = bit + 1
  end
  return found
end

local function note(what)
  local time = redis.call('TIME')
  local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('HSET', pending_key, key, table.concat({now_ms, joins, attempt, what}, '|'))
end

local slots = tonumber(redis.call('GET', slots_key))
local chosen, reassigned = nil, '0'
if mode == 'exact' or mode == 'prefer' then
  local gone = {}
  chosen = {}
  for i = 6, #ARGV do
    local seat = tonumber(ARGV[i])
    if seat > total then return {'out_of_range', generation, redis.call('GET', slots_key)} end
    chosen[#chosen + 1] = seat
    if redis.call('GETBIT', seats_key, seat - 1) == 1 then gone[#gone + 1] = seat end
  end
  if #gone > 0 then
    if mode == 'exact' then
      local answer = {'seats_taken', generation}
      for _, seat in ipairs(gone) do answer[#answer + 1] = seat end
      return answer
    end
    chosen, reassigned = nil, '1'
  end
elseif mode == 'up_to' then
  k = math.min(k, slots)
  if k == 0 then return {'sold_out', generation, slots, total} end
end
if not chosen and slots >= k then chosen = lowest(k) end

if not chosen then
  if not waitlist then return {'sold_out', generation, slots, total} end
  note('join')
  return {'join', generation}
end
for _, seat in ipairs(chosen) do redis.call('SETBIT', seats_key, seat - 1, 1) end
redis.call('DECRBY', slots_key, #chosen)
note(table.concat(chosen, ','))
local answer = {'seats', generation, reassigned}
for _, seat in ipairs(chosen) do answer[#answer + 1] = seat end
return answer
