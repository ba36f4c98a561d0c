-- append: a decision becomes facts. Design §3 step 3, §4 rules 2-4 and 11.
--
-- KEYS  the base keys; then the idempotency key's (or none), the streams of the new commands and of those that end.
-- ARGV  1 instance  2 expected version  3 generation  4 not before (ms, or "")  5 "1" when its run is given up
--       6 metadata JSON  7 idempotency key (or "")  8 its digest  9 kept for (ms)  10 number of events
--       11 of commands  12 of ends  13 live commands at most  14 position of the expected version (or ""); then for
--       each event: type, schema, data JSON; for each command: id, type, platform, site (or ""), generation, accept
--       within (ms), reply channel (or ""), correlation id, stream, command JSON; for each end: command, index of its
--       event (from 0), condition.
-- Gives ["appended", previous, positions…] | ["conflict", version] | ["forked", version] | ["notDue", ms]
--       | ["duplicate", digest, instance, version] | ["keys", stream] | ["full", live commands]
-- Atomic, because a command must be live if and only if its event is in the log, and an end that is not part of its
-- event's own write could be lost, or done twice, between the two.

local function kept_answer(key)
  local text = redis.call('GET', key)
  if not text then return nil end
  local kept = cjson.decode(text)
  return { 'duplicate', kept.digest, kept.instanceId, whole(kept.version) }
end

local function ends_of(keys, args, from, count, now)
  local ended, latest = {}, nil
  for n = 1, count do
    local at = from + (n - 1) * 3
    local command = read_command(keys, args[at])
    local condition = args[at + 2]
    if not command or command.instance ~= args[1] then return nil, { 'conflict' } end
    if command.accepted and condition ~= 'always' then return nil, { 'conflict' } end
    if condition == 'due' and now < command.acceptBy then
      return nil, { 'notDue', whole(command.acceptBy - now) }
    end
    latest = latest or missing_stream(keys, command)
    ended[n] = { command = command, index = tonumber(args[at + 1]) + 1 }
  end
  if latest then return nil, { 'keys', latest } end
  return ended, nil
end

-- Whether the log's positions are ahead of the clock, which was set back: then they do not say what time it is.
local AHEAD_MS = 1000

local function is_ahead(position, now)
  return tonumber(string.match(position, '^%d+')) - now >= AHEAD_MS
end

local function sent_at(event, now)
  return is_ahead(event.position, now) and now or tonumber(event.at)
end

local function enqueue(keys, args, at, instance, event, index, sent)
  local id, stream, text = args[at], args[at + 8], args[at + 9]
  local order = event.position .. ':' .. whole(index)
  local entry = redis.call('XADD', stream, '*', 'id', id, 'c', text, 'o', order)
  local command = {
    stream = stream,
    entry = entry,
    order = order,
    instance = instance.id,
    type = args[at + 1],
    platform = args[at + 2],
    site = args[at + 3] ~= '' and args[at + 3] or nil,
    generation = tonumber(args[at + 4]),
    enqueuedAt = sent,
    acceptBy = sent + tonumber(args[at + 5]),
    replyChannel = args[at + 6] ~= '' and args[at + 6] or nil,
    correlationId = args[at + 7],
  }
  command.id = id
  write_command(keys, command)
  redis.call('HSET', keys[PAYLOADS], id, text)
  add_live(instance, id)
end

-- Where the events begin among the arguments.
local FIRST_EVENT = 15

local function append(keys, args)
  local now = now_ms()
  local events, commands, ends = tonumber(args[10]), tonumber(args[11]), tonumber(args[12])
  local first_command = FIRST_EVENT + events * 3
  local first_end = first_command + commands * 10
  local is_keyed = args[7] ~= ''
  if is_keyed then
    local duplicate = kept_answer(keys[BASE + 1])
    if duplicate then return duplicate end
  end
  local instance = read_instance(keys, args[1]) or new_instance(args[1])
  if instance.version ~= tonumber(args[2]) then return { 'conflict', whole(instance.version) } end
  -- Whoever decided on a history that this log has lost would go on from another one of the same length.
  if args[14] ~= '' and args[14] ~= instance.last then return { 'forked', whole(instance.version) } end
  -- What an event ahead of the clock says about time cannot be held against the clock: the leader has waited for it.
  if args[4] ~= '' and now < tonumber(args[4]) and not is_ahead(instance.last, now) then
    return { 'notDue', whole(tonumber(args[4]) - now) }
  end
  local ended, otherwise = ends_of(keys, args, first_end, ends, now)
  if not ended then
    if otherwise[1] == 'conflict' then otherwise[2] = whole(instance.version) end
    return otherwise
  end
  for n = 1, commands do
    local id = args[first_command + (n - 1) * 10]
    if redis.call('HEXISTS', keys[COMMANDS], id) == 1 then
      return refuse('LIVE', 'the command ' .. id .. ' is live already')
    end
  end
  -- What ends a server is never kept out: it makes room.
  if commands > 0 and not is_urgent({ type = args[first_command + 1] }) then
    local live = redis.call('HLEN', keys[COMMANDS])
    if live + commands > tonumber(args[13]) then return { 'full', whole(live) } end
  end
  local answer, written = { 'appended', instance.last }, {}
  for n = 1, events do
    local at = FIRST_EVENT + (n - 1) * 3
    written[n] = record(keys, instance, args[at], args[at + 2], args[6], tonumber(args[at + 1]))
    answer[n + 2] = written[n].position
  end
  for _, one in ipairs(ended) do end_command(keys, instance, one.command, written[one.index]) end
  for n = 1, commands do
    local event = written[events]
    enqueue(keys, args, first_command + (n - 1) * 10, instance, event, n, sent_at(event, now))
  end
  local generation = tonumber(args[3])
  if generation > instance.generation then instance.generation = generation end
  if args[5] == '1' then
    local run = read_run(keys, instance.id)
    clear_run(keys, instance, run)
    write_run(keys, instance.id, run)
  end
  write_instance(keys, instance)
  if is_keyed then
    local kept = cjson.encode({ digest = args[8], instanceId = instance.id, version = instance.version })
    redis.call('SET', keys[BASE + 1], kept, 'PX', args[9])
  end
  return answer
end

redis.register_function(LIBRARY .. '_append', append)

-- append_ending: the same for what only ends servers and commands. It may write when memory is full: it makes room.

redis.register_function {
  function_name = LIBRARY .. '_append_ending',
  callback = append,
  flags = { 'allow-oom' },
}

-- history: the events of one instance, by walking back from its newest. Reads only.
--
-- KEYS  the base keys. ARGV 1 instance  2 at most  3 below this version  4 above this version  5 walk from this
-- position ("" for the newest). Gives [position to go on from ("" at the end), event…], newest first.
-- In one function, since each step of the walk depends on the one before; bounded by ARGV 2 and by WALK_MAX.

local WALK_MAX = 1000

local function history(keys, args)
  local instance = read_instance(keys, args[1])
  if not instance then return { '' } end
  local most, below, above = tonumber(args[2]), tonumber(args[3]), tonumber(args[4])
  local position = args[5] ~= '' and args[5] or instance.last
  local answer = { '' }
  for _ = 1, WALK_MAX do
    if #answer > most or position == NOTHING then return answer end
    local found = redis.call('XRANGE', keys[LOG], position, position)[1]
    if not found then return answer end
    local event = told_entry(found[1], found[2])
    if tonumber(event[3]) <= above then return answer end
    if tonumber(event[3]) < below then answer[#answer + 1] = event end
    position = event[8]
  end
  answer[1] = position
  return answer
end

redis.register_function {
  function_name = LIBRARY .. '_history',
  callback = history,
  flags = { 'no-writes' },
}
