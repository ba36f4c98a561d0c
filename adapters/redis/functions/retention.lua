-- lead: the lease that makes one node the leader. Design §3.
--
-- KEYS  the base keys; then the nodes'. ARGV 1 node  2 lease (ms; 0 gives it back)  3 what the node reads (JSON: event
--       type -> schema number). Gives its fencing token, or nothing.
-- In one function, since it decides by what it reads. The token grows with each holder, by the clock too: a log that
-- lost its end cannot give one twice. Each node asks, also while another leads, so this is where it says that it lives
-- and what it can read: nodes: node -> "last asked (ms) reads".

local NODE_SILENT_MS = 30000

local function note_node(nodes, node, ttl, reads)
  if ttl == 0 then return redis.call('HDEL', nodes, node) end
  local now, all = now_ms(), redis.call('HGETALL', nodes)
  for index = 1, #all, 2 do
    local at = tonumber(string.match(all[index + 1], '^(%d+)'))
    if now - at > NODE_SILENT_MS then redis.call('HDEL', nodes, all[index]) end
  end
  redis.call('HSET', nodes, node, whole(now) .. ' ' .. reads)
end

local function lead(keys, args)
  local node, ttl = args[1], tonumber(args[2])
  if not ttl then return refuse('MALFORMED', 'a lease must be a number of milliseconds') end
  note_node(keys[BASE + 1], node, ttl, args[3])
  local held = redis.call('GET', keys[LEADER])
  local holder, fence = string.match(held or '', '^(%S+) (%d+)$')
  if ttl == 0 then
    if holder == node then redis.call('DEL', keys[LEADER]) end
    return false
  end
  if holder and holder ~= node then return false end
  if not holder then
    local last = tonumber(redis.call('HGET', keys[META], 'fence') or '0')
    fence = whole(math.max(last + 1, now_ms()))
    redis.call('HSET', keys[META], 'fence', fence)
  end
  redis.call('SET', keys[LEADER], node .. ' ' .. fence, 'PX', whole(ttl))
  return fence
end

redis.register_function {
  function_name = LIBRARY .. '_lead',
  callback = lead,
  flags = { 'allow-oom' },
}

local function compare_positions(a, b)
  local a_ms, a_seq = string.match(a, '^(%d+)%-(%d+)$')
  local b_ms, b_seq = string.match(b, '^(%d+)%-(%d+)$')
  if a_ms ~= b_ms then return tonumber(a_ms) - tonumber(b_ms) end
  return tonumber(a_seq) - tonumber(b_seq)
end

-- keep_snapshot: a snapshot whose chunks are written becomes the snapshot, unless the present one is newer.
--
-- KEYS  the base keys; then the snapshot's key, its chunks (count: ARGV 5), the chunks of the one before.
-- ARGV  1 fencing token  2 its position  3 its record (JSON)  4 the record that was read before ("" for none)
--       5 number of chunks. Gives "kept" | "older" | "changed" (read it again). Errors: DRAASFENCE.
-- Atomic, because a record without its chunks, or chunks without their record, would be a damaged snapshot, and an
-- earlier leader must not put an older one over it. Chunks expire by themselves until they are kept.

local function keep_snapshot(keys, args)
  if not leads(keys, args[1]) then return not_leader(keys, args[1]) end
  local text = redis.call('GET', keys[BASE + 1]) or ''
  if text ~= args[4] then return 'changed' end
  if text ~= '' and compare_positions(cjson.decode(text).position, args[2]) > 0 then return 'older' end
  local chunks = tonumber(args[5])
  for index = 1, chunks do redis.call('PERSIST', keys[BASE + 1 + index]) end
  redis.call('SET', keys[BASE + 1], args[3])
  for index = BASE + 2 + chunks, #keys do redis.call('UNLINK', keys[index]) end
  return 'kept'
end

redis.register_function(LIBRARY .. '_keep_snapshot', keep_snapshot)

-- drop_snapshot: forgets the snapshot, if it is still the one that was read.
--
-- KEYS  the base keys; then the snapshot's key and its chunks. ARGV 1 its record as it was read. Gives "dropped" |
-- "changed" (read it again).
-- Atomic, because the record of a newer one, dropped for that of the older, would leave its chunks there for ever.

local function drop_snapshot(keys, args)
  if redis.call('GET', keys[BASE + 1]) ~= args[1] then return 'changed' end
  for index = BASE + 1, #keys do redis.call('UNLINK', keys[index]) end
  return 'dropped'
end

redis.register_function {
  function_name = LIBRARY .. '_drop_snapshot',
  callback = drop_snapshot,
  flags = { 'allow-oom' },
}

-- trim: forgets the events before a position. Design §3.
--
-- KEYS  the base keys. ARGV 1 fencing token  2 position of the first event that stays in this piece  3 position before
--       which every instance needs its origin. Gives ["cut", number] | ["needed", instance]. Errors: DRAASFENCE.
-- Atomic, because no instance may begin before the cut when it happens; the first position moves with the cut. It may
-- write when memory is full, as may `lead`, without which nobody cuts: they are what makes room.

local function instance_before(keys, position)
  local ms = string.match(position, '^(%d+)')
  local before = redis.call('ZRANGEBYSCORE', keys[ORIGINS], '-inf', '(' .. ms, 'LIMIT', 0, 1)[1]
  if before then return before end
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', keys[ORIGINS], ms, ms)) do
    if compare_positions(read_instance(keys, id).origin, position) < 0 then return id end
  end
  return nil
end

local function trim(keys, args)
  if not leads(keys, args[1]) then return not_leader(keys, args[1]) end
  local needed = instance_before(keys, args[3])
  if needed then return { 'needed', needed } end
  if args[2] == NOTHING then return { 'cut', '0' } end
  local last = redis.call('XREVRANGE', keys[LOG], '(' .. args[2], '-', 'COUNT', 1)[1]
  if not last then return { 'cut', '0' } end
  redis.call('HSET', keys[META], 'cut', last[1])
  return { 'cut', whole(redis.call('XTRIM', keys[LOG], 'MINID', '=', args[2])) }
end

redis.register_function {
  function_name = LIBRARY .. '_trim',
  callback = trim,
  flags = { 'allow-oom' },
}
