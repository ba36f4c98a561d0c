-- register: a worker's incarnation joins. Design §4 rule 7.
--
-- KEYS  the base keys; then the worker's control stream, its four command streams (as for take), its queries' stream.
-- ARGV  1 worker  2 incarnation  3 machine  4 platform  5 site  6 slots  7 version  8 labels JSON
--       9 beats within (ms)  10 incarnations remembered
-- Gives ["registered"] | ["refused", "retired" or "elsewhere"]. Errors: DRAASMALFORMED.
-- Atomic, because from the same instant on the older incarnation is refused everywhere, and the new one owns what that
-- had accepted. The consumer groups begin at the first entry, so that nothing that waits is passed over.

local function last_beat(keys, worker_id, worker)
  local text = redis.call('HGET', keys[BEATS], worker_id)
  if text then
    local incarnation, at = string.match(text, '^(%S+) (%d+) ')
    if incarnation == worker.incarnation then
      return math.max(worker.registeredAt, tonumber(at))
    end
  end
  return worker.registeredAt
end

local function retire(worker, most)
  local all = {}
  for one in string.gmatch(worker.retired .. ' ' .. worker.incarnation, '%S+') do
    all[#all + 1] = one
  end
  return table.concat(all, ' ', math.max(1, #all - most + 1))
end

-- Wakes a worker that waits for commands, so that it looks at what has changed about it.
local function nudge(control)
  redis.call('XADD', control, 'MAXLEN', 4, '*', 'n', '1')
end

local function ensure_groups(keys, from)
  for index = from, #keys do
    redis.pcall('XGROUP', 'CREATE', keys[index], GROUP, '0', 'MKSTREAM')
  end
end

-- Keys, members and records are made of these: a space or a bar in one would be read as the end of it.
local NAMES = { [1] = 'worker', [2] = 'incarnation', [4] = 'platform', [5] = 'site' }

local function registration_fault(args)
  for index, name in pairs(NAMES) do
    if #args[index] > 128 or not string.find(args[index], '^%w[%w_-]*$') then
      return name .. ' must be 1 to 128 letters, digits, - and _'
    end
  end
  if not is_count(tonumber(args[6])) then return 'slots must be a whole number' end
  local labels = told_object(args[8])
  if not labels then return 'labels must be a JSON object on one line' end
  for name, value in pairs(labels) do
    if type(name) ~= 'string' or type(value) ~= 'string' then return 'labels must hold texts' end
  end
  return nil
end

-- The first key from `from` on that holds something that is not a stream; nil when all can be written to. By XRANGE,
-- since whoever may call this has the right to it, and not to TYPE.
local function not_a_stream(keys, from)
  for index = from, #keys do
    local read = redis.pcall('XRANGE', keys[index], '+', '-', 'COUNT', 1)
    if read.err and not string.find(read.err, 'WRONGTYPE', 1, true) then error(read) end
    if read.err then return keys[index] end
  end
  return nil
end

local function register(keys, args)
  local fault = registration_fault(args)
  if fault then return refuse('MALFORMED', fault) end
  local wrong = not_a_stream(keys, BASE + 1)
  if wrong then return refuse('MALFORMED', wrong .. ' is not a stream') end
  local worker_id, incarnation = args[1], args[2]
  local before, now = read_worker(keys, worker_id), now_ms()
  if before then
    local is_given_up = before.forgotten or before.lost
    if is_retired(before, incarnation) or (is_given_up and before.incarnation == incarnation) then
      return { 'refused', 'retired' }
    end
    local beats = not is_given_up and not before.left and
      now - last_beat(keys, worker_id, before) < tonumber(args[9])
    if beats and before.machineId ~= args[3] then return { 'refused', 'elsewhere' } end
  end
  local retired = before and before.retired or ''
  if before and before.incarnation ~= incarnation then
    retired = retire(before, tonumber(args[10]))
    silence(keys, worker_id)
  end
  write_worker(keys, worker_id, {
    platform = args[4],
    site = args[5],
    incarnation = incarnation,
    machineId = args[3],
    slots = tonumber(args[6]),
    version = args[7],
    labels = args[8],
    registeredAt = now,
    -- An admin's drain outlasts a restart of the worker; a forgotten worker's does not.
    draining = before ~= nil and not before.forgotten and before.draining,
    left = false,
    forgotten = false,
    lost = false,
    retired = retired,
  })
  ensure_groups(keys, BASE + 1)
  nudge(keys[BASE + 1])
  return { 'registered' }
end

redis.register_function {
  function_name = LIBRARY .. '_register',
  callback = register,
  flags = { 'allow-oom' },
}

-- heartbeat: a worker says that it lives. KEYS the base keys; then the hash of metrics, if it tells of its runs.
-- ARGV 1 worker  2 incarnation  3 slots in use  4 how its runs do (JSON, for display only: nobody decides by it).
-- Gives ["ok", now (ms)] | ["refused", reason]. Errors: DRAASMALFORMED. In one function, so that a former incarnation
-- cannot speak for the present one.

local METRICS_MAX = 262144

local function heartbeat(keys, args)
  if not string.find(args[3], '^%d+$') then return refuse('MALFORMED', 'slots in use must be a whole number') end
  if args[4] and #args[4] > METRICS_MAX then
    return refuse('MALFORMED', 'metrics must have at most ' .. METRICS_MAX .. ' bytes')
  end
  local worker, why_not = present_worker(keys, args[1], args[2])
  if not worker then return { 'refused', why_not } end
  local now = now_ms()
  beat(keys, args[1], worker, now, args[3])
  if args[4] and keys[BASE + 1] then
    redis.call('HSET', keys[BASE + 1], args[1], whole(now) .. ' ' .. args[4])
  end
  return { 'ok', whole(now) }
end

redis.register_function {
  function_name = LIBRARY .. '_heartbeat',
  callback = heartbeat,
  flags = { 'allow-oom' },
}

-- stand: an admin drains or resumes a worker, or a worker leaves. KEYS the base keys; then its control stream.
-- ARGV 1 worker  2 "draining", "resumed" or "left"  3 incarnation, for "left". Gives 1, or 0 when there is none.
-- In one function, since it changes what it has read.

local function stand(keys, args)
  local worker = read_worker(keys, args[1])
  if not worker or worker.forgotten then return 0 end
  if args[2] == 'left' then
    if worker.incarnation ~= args[3] or worker.lost then return 0 end
    worker.left = true
  else
    worker.draining = args[2] == 'draining'
  end
  write_worker(keys, args[1], worker)
  nudge(keys[BASE + 1])
  return 1
end

redis.register_function {
  function_name = LIBRARY .. '_stand',
  callback = stand,
  flags = { 'allow-oom' },
}

-- forget and lose: a worker is given up, for good or until it begins a new life. Design §4 rule 8.
--
-- forget  KEYS the base keys; then its control stream and the hash of metrics. ARGV 1 worker  2 fencing token ("" for an admin's request)
--         3 who asked
-- lose    KEYS as for forget; then the two streams of its site. ARGV 1 worker  2 fencing token  3 incarnation
--         4 silent for (ms)  then the instances that may move.
-- Give the events written: `CommandForgotten` for each command that the worker had accepted (of these instances),
-- `RuntimeObserved` (`Lost`) for each run (of these instances) that no other worker can reach; `lose` also forgets the
-- stops and restarts that wait for a site that nobody reads any more. Errors: DRAASFENCE.
-- Atomic, because a worker that is half given up could still complete what is being taken from it, and one that comes
-- back meanwhile is either not lost, or finds that it is. They read all live commands or the listed instances: for
-- rare steps.

local function by_order(a, b)
  local a_ms, a_seq, a_index = string.match(a.order, '^(%d+)%-(%d+):(%d+)$')
  local b_ms, b_seq, b_index = string.match(b.order, '^(%d+)%-(%d+):(%d+)$')
  if a_ms ~= b_ms then return tonumber(a_ms) < tonumber(b_ms) end
  if a_seq ~= b_seq then return tonumber(a_seq) < tonumber(b_seq) end
  return tonumber(a_index) < tonumber(b_index)
end

local function forget_commands(keys, worker_id, commands, by, answer)
  table.sort(commands, by_order)
  for _, command in ipairs(commands) do
    local instance = read_instance(keys, command.instance)
    local data = '{"commandId":' .. cjson.encode(command.id) .. ',"workerId":' .. cjson.encode(worker_id) .. '}'
    local meta = '{"requestedBy":' .. cjson.encode(by) .. ',"correlationId":' ..
      cjson.encode(command.correlationId) .. '}'
    local event = record(keys, instance, 'CommandForgotten', data, meta)
    end_command(keys, instance, command, event)
    write_instance(keys, instance)
    answer[#answer + 1] = told(event)
  end
end

local function lose_run(keys, worker_id, instance_id, site, by, answer)
  local run = read_run(keys, instance_id)
  if not run.runId or run.site ~= site then return end
  local instance = read_instance(keys, instance_id)
  local data = table.concat({
    '{"instanceId":', cjson.encode(instance_id), ',"observation":"Lost","runtimeInfo":',
    cjson.encode(run.info), ',"workerId":', cjson.encode(worker_id), '}',
  })
  local event = record(keys, instance, 'RuntimeObserved', data, '{"requestedBy":' .. cjson.encode(by) .. '}')
  after_observation(keys, instance, run, 'Lost', run.info)
  write_run(keys, instance_id, run)
  write_instance(keys, instance)
  answer[#answer + 1] = told(event)
end

-- Whether another worker can reach the same runtime; with `silent_ms`, one that was heard within it.
local function is_shared(keys, worker_id, site, silent_ms)
  local all, now = redis.call('HGETALL', keys[WORKERS]), now_ms()
  for index = 1, #all, 2 do
    local id, other = all[index], cjson.decode(all[index + 1])
    if id ~= worker_id and other.site == site and not other.forgotten then
      if not silent_ms then return true end
      local is_there = not other.lost and not other.left
      if is_there and now - last_beat(keys, id, other) < silent_ms then return true end
    end
  end
  return false
end

local function forget(keys, args)
  local worker_id, by = args[1], args[3] or 'forget'
  if args[2] ~= '' and not leads(keys, args[2]) then return not_leader(keys, args[2]) end
  local worker = read_worker(keys, worker_id)
  if not worker or worker.forgotten then return {} end
  worker.forgotten = true
  worker.retired = retire(worker, 64)
  write_worker(keys, worker_id, worker)
  silence(keys, worker_id)
  if keys[BASE + 2] then redis.call('HDEL', keys[BASE + 2], worker_id) end
  local commands, all, answer = {}, redis.call('HGETALL', keys[COMMANDS]), {}
  for index = 1, #all, 2 do
    local command = cjson.decode(all[index + 1])
    command.id = all[index]
    if command.accepted and command.accepted.workerId == worker_id then
      commands[#commands + 1] = command
    end
  end
  forget_commands(keys, worker_id, commands, by, answer)
  if not is_shared(keys, worker_id, worker.site) then
    local from, to = '[' .. worker.site .. '|', '[' .. worker.site .. '|\255'
    for _, member in ipairs(redis.call('ZRANGEBYLEX', keys[PLACED], from, to)) do
      lose_run(keys, worker_id, string.sub(member, #worker.site + 2), worker.site, by, answer)
    end
  end
  nudge(keys[BASE + 1])
  return answer
end

redis.register_function {
  function_name = LIBRARY .. '_forget',
  callback = forget,
  flags = { 'allow-oom' },
}

local function lose(keys, args)
  local worker_id, silent_ms = args[1], tonumber(args[4])
  if not leads(keys, args[2]) then return not_leader(keys, args[2]) end
  -- One that is lost already is given up for more instances: leases end at different times.
  local worker = read_worker(keys, worker_id)
  if not worker or worker.forgotten or worker.incarnation ~= args[3] then return {} end
  if now_ms() - last_beat(keys, worker_id, worker) < silent_ms then return {} end
  worker.lost = true
  write_worker(keys, worker_id, worker)
  silence(keys, worker_id)
  local shared, answer = is_shared(keys, worker_id, worker.site, silent_ms), {}
  for index = 5, #args do
    local instance, doomed = read_instance(keys, args[index]), {}
    for command_id in string.gmatch(instance and instance.live or '', '[^,]+') do
      local command = read_command(keys, command_id)
      local needs_site = not command.accepted and not shared and command.site == worker.site and
        (command.type == 'StopInstanceCommand' or command.type == 'RestartInstanceCommand')
      local is_its = command.accepted and command.accepted.workerId == worker_id
      if (is_its or needs_site) and not missing_stream(keys, command) then
        doomed[#doomed + 1] = command
      end
    end
    forget_commands(keys, worker_id, doomed, 'leader', answer)
    if instance and not shared then
      lose_run(keys, worker_id, args[index], worker.site, 'leader', answer)
    end
  end
  nudge(keys[BASE + 1])
  return answer
end

redis.register_function {
  function_name = LIBRARY .. '_lose',
  callback = lose,
  flags = { 'allow-oom' },
}
