-- accept: a worker gets the right to work on a command. Design §3 step 4, §4 rules 2, 3, 5 and 7.
--
-- KEYS  the base keys; then the stream that the command is on. ARGV 1 worker  2 incarnation  3 command.
-- Gives ["accepted", attempt, "1" to settle] | ["refused", reason] | ["keys", stream]; reason: ended, taken, busy,
-- superseded, unknown.
-- Atomic, because between a check of generation, deadline or rival and the write of the acceptance a stop could cancel
-- the command, or another worker accept it. It may write when memory is full, as may `take` and `register`: what is in the
-- log already can be done, stops above all.

local function accept_as(keys, command, worker_id, worker, instance, now)
  local attempt = (command.accepted and command.accepted.attempt or 0) + 1
  -- Only a take-over or a delete can be old here: a first accept of an old generation is refused.
  local settle = command.generation < instance.generation
  local data = table.concat({
    '{"commandId":', cjson.encode(command.id), ',"commandType":', cjson.encode(command.type),
    ',"attempt":', whole(attempt), ',"workerId":', cjson.encode(worker_id),
    ',"incarnation":', cjson.encode(worker.incarnation), ',"site":', cjson.encode(worker.site), '}',
  })
  -- A lease begins with the accept, so it counts as a beat.
  beat(keys, worker_id, worker, now)
  record(keys, instance, 'CommandAccepted', data, worker_meta(worker_id, command))
  write_instance(keys, instance)
  take_off(command)
  command.site = worker.site
  command.accepted = {
    workerId = worker_id,
    incarnation = worker.incarnation,
    site = worker.site,
    attempt = attempt,
    settle = settle,
  }
  write_command(keys, command)
  return { 'accepted', whole(attempt), settle and '1' or '0' }
end

local function end_instead(keys, command, worker_id, instance, event_type, reason)
  local data = '{"commandId":' .. cjson.encode(command.id) .. ',"reason":"' .. reason .. '"}'
  local event = record(keys, instance, event_type, data, worker_meta(worker_id, command))
  end_command(keys, instance, command, event)
  write_instance(keys, instance)
  return { 'refused', 'ended' }
end

-- Another worker has a command of the instance in work: two hands on one server. A stop need not wait. Or a live run was
-- found at another site since the command was sent: what is to become of it is for that site's workers.
local function must_wait(keys, command, worker_id, worker, instance)
  if is_urgent(command) then return false end
  local run = read_run(keys, command.instance)
  if run.runId and run.site ~= worker.site then return true end
  for other_id in string.gmatch(instance.live, '[^,]+') do
    if other_id ~= command.id then
      local other = read_command(keys, other_id)
      if other and other.accepted and other.accepted.workerId ~= worker_id then return true end
    end
  end
  return false
end

-- What is deleted stays so, whatever newer run a rollback of the log has let be found: it is what must be ended. But
-- what is only moved is in use again.
local function ends_newer(keys, command)
  if command.type ~= 'DeleteInstanceCommand' then return false end
  local payload = redis.call('HGET', keys[PAYLOADS], command.id)
  return not (payload and cjson.decode(payload).keepsNewer)
end

local function accept(keys, args)
  local worker_id, incarnation = args[1], args[2]
  local worker, why_not = present_worker(keys, worker_id, incarnation)
  if not worker then return { 'refused', why_not } end
  local command = read_command(keys, args[3])
  if not command then return { 'refused', 'ended' } end
  local accepted = command.accepted
  if accepted then
    if accepted.workerId ~= worker_id then return { 'refused', 'taken' } end
    if accepted.incarnation == incarnation then
      return { 'accepted', whole(accepted.attempt), accepted.settle and '1' or '0' }
    end
    local instance = read_instance(keys, command.instance)
    return accept_as(keys, command, worker_id, worker, instance, now_ms())
  end
  if command.platform ~= worker.platform or (command.site or worker.site) ~= worker.site then
    return { 'refused', 'taken' }
  end
  local missing = missing_stream(keys, command)
  if missing then return { 'keys', missing } end
  local instance = read_instance(keys, command.instance)
  if command.generation < instance.generation and not ends_newer(keys, command) then
    return end_instead(keys, command, worker_id, instance, 'CommandRefused', 'StaleGeneration')
  end
  local now = now_ms()
  if now >= command.acceptBy then
    return end_instead(keys, command, worker_id, instance, 'CommandExpired', 'WorkersBusy')
  end
  if must_wait(keys, command, worker_id, worker, instance) then
    -- Waiting for a rival is no sign of poison: its deliveries are counted anew.
    redis.call('XCLAIM', command.stream, GROUP, worker_id, 0, command.entry,
      'RETRYCOUNT', 0, 'JUSTID')
    return { 'refused', 'busy' }
  end
  return accept_as(keys, command, worker_id, worker, instance, now)
end

redis.register_function {
  function_name = LIBRARY .. '_accept',
  callback = accept,
  flags = { 'allow-oom' },
}
