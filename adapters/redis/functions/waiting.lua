-- take: a worker asks for commands. Design §4 rules 5 and 12.
--
-- KEYS  the base keys; then the platform's urgent stream, the site's urgent stream, the site's stream, the platform's.
-- ARGV  1 worker  2 incarnation  3 starts at most  4 stops and deletes at most  5 stolen when idle this long (ms)
--       6 deliveries at most  7 "1" to steal.
-- Gives ["taken", [stream (1-4), entry, command JSON, order]…] | ["held", the same…] when it gets stops and deletes only,
--       since it drains or has left | ["refused", reason]
-- An offer gives no right: only an accept does. In one function, so that a drain, a take-over and the number of free
-- slots hold for all four streams at once, and what was offered too often ends as poison and is offered to nobody.

local function end_as_poison(keys, command)
  local instance = read_instance(keys, command.instance)
  local data = '{"commandId":' .. cjson.encode(command.id) .. ',"reason":"Poison"}'
  local meta = '{"requestedBy":"delivery","correlationId":' .. cjson.encode(command.correlationId) .. '}'
  local event = record(keys, instance, 'CommandRefused', data, meta)
  end_command(keys, instance, command, event)
  write_instance(keys, instance)
end

local function poison(keys, stream, entry, fields)
  local id
  for index = 1, #fields, 2 do
    if fields[index] == 'id' then id = fields[index + 1] end
  end
  local command = id and read_command(keys, id)
  if not command or command.accepted then
    redis.call('XACK', stream, GROUP, entry)
    redis.call('XDEL', stream, entry)
    return
  end
  end_as_poison(keys, command)
end

local function claim(keys, stream, worker_id, args, most, give)
  local idle, deliveries_max = args[5], tonumber(args[6])
  local waiting = redis.call('XPENDING', stream, GROUP, 'IDLE', idle, '-', '+', most)
  for _, one in ipairs(waiting) do
    local entry, deliveries = one[1], one[4]
    if deliveries >= deliveries_max then
      local found = redis.call('XRANGE', stream, entry, entry)[1]
      poison(keys, stream, entry, found and found[2] or {})
    else
      local claimed = redis.call('XCLAIM', stream, GROUP, worker_id, idle, entry)[1]
      if claimed then give(claimed[1], claimed[2], deliveries) end
    end
  end
end

local function take(keys, args)
  local worker_id = args[1]
  local worker, why_not = registered_worker(keys, worker_id, args[2])
  if not worker then return { 'refused', why_not } end
  if worker.left then return { 'held' } end
  -- A worker that drains still ends what it has: nobody else can.
  local answer = { worker.draining and 'held' or 'taken' }
  local left = { urgent = tonumber(args[4]), start = worker.draining and 0 or tonumber(args[3]) }
  for index = 1, 4 do
    local stream, kind = keys[BASE + index], index <= 2 and 'urgent' or 'start'
    local give = function(entry, fields, deliveries)
      -- `n`: how often it was offered on the streams that it was moved from.
      if (deliveries or 0) + tonumber(fields[8] or '0') >= tonumber(args[6]) then
        return poison(keys, stream, entry, fields)
      end
      answer[#answer + 1] = { index, entry, fields[4], fields[6] }
      left[kind] = left[kind] - 1
    end
    if left[kind] > 0 and args[7] == '1' then
      claim(keys, stream, worker_id, args, left[kind], give)
    end
    if left[kind] > 0 then
      local read = redis.call('XREADGROUP', 'GROUP', GROUP, worker_id, 'COUNT', left[kind],
        'STREAMS', stream, '>')
      for _, entry in ipairs(read and read[1] and read[1][2] or {}) do give(entry[1], entry[2]) end
    end
  end
  return answer
end

redis.register_function {
  function_name = LIBRARY .. '_take',
  callback = take,
  flags = { 'allow-oom' },
}

-- retarget: the leader moves a command that nobody has accepted to another stream. Design §4 rule 5.
--
-- KEYS  the base keys; then the stream that it is on, the stream that it goes to. ARGV 1 fencing token  2 command
--       3 site (or "")  4 deliveries at most. Gives ["moved"] | ["refused"] | ["keys", stream]. Errors: DRAASFENCE.
-- Atomic, because an accept may come at any time: nothing is done once there is one. What was offered too often is not
-- moved but ends as poison: who waits on the other stream would be offered it before anybody counts.

local function leads(keys, fence)
  local holder = redis.call('GET', keys[LEADER])
  return holder and string.match(holder, ' (%d+)$') == fence
end

local function not_leader(keys, fence)
  local holder = redis.call('GET', keys[LEADER]) or ''
  return refuse('FENCE', fence .. ' ' .. (string.match(holder, ' (%d+)$') or '0'))
end

local function retarget(keys, args)
  if not leads(keys, args[1]) then return not_leader(keys, args[1]) end
  local command = read_command(keys, args[2])
  if not command or command.accepted then return { 'refused' } end
  local missing = missing_stream(keys, command)
  if missing then return { 'keys', missing } end
  local text = redis.call('HGET', keys[PAYLOADS], args[2])
  local to = keys[BASE + 2]
  -- Nobody has read from a stream without a group.
  local pending = redis.pcall('XPENDING', command.stream, GROUP, command.entry, command.entry, 1)
  local offered = not pending.err and pending[1] and pending[1][4] or 0
  command.moved = (command.moved or 0) + offered
  if command.moved >= tonumber(args[4]) then
    end_as_poison(keys, command)
    return { 'refused' }
  end
  take_off(command)
  command.stream = to
  command.entry = redis.call('XADD', to, '*', 'id', args[2], 'c', text, 'o', command.order,
    'n', whole(command.moved))
  command.site = args[3] ~= '' and args[3] or nil
  write_command(keys, command)
  return { 'moved' }
end

redis.register_function(LIBRARY .. '_retarget', retarget)
