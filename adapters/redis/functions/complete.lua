-- complete: a worker ends a command with its response. Design §3 step 5, §4 rule 2, promise 9.
--
-- KEYS  the base keys. ARGV 1 worker  2 incarnation  3 data JSON: {commandId, attempt, workerId, response}.
-- Gives ["completed", event] | ["refused", reason]; reason: ended, superseded, unknown. The same event when repeated.
-- Errors: DRAASMALFORMED for a response that is not one; nothing is written then.
-- Atomic, because a response without its removal would be followed by a second end, and a removal without its event
-- would lose the truth about a server. It may write when memory is full: only so does work end.

local function repeated(keys, data, response)
  local run = read_run(keys, response.instanceId)
  local last = run.completed
  if not last or last.commandId ~= data.commandId or last.attempt ~= data.attempt then
    return { 'refused', 'ended' }
  end
  local found = redis.call('XRANGE', keys[LOG], last.position, last.position)[1]
  if not found then return { 'refused', 'ended' } end
  return { 'completed', told_entry(found[1], found[2]) }
end

local function response_fault(data, worker_id)
  local response = data.response
  if type(data.commandId) ~= 'string' then return 'commandId must be a text' end
  if not is_count(data.attempt) then return 'attempt must be a whole number' end
  if data.workerId ~= worker_id then return 'workerId must be ' .. worker_id end
  if type(response) ~= 'table' then return 'response must be an object' end
  if type(response.instanceId) ~= 'string' then return 'response.instanceId must be a text' end
  if type(response.success) ~= 'boolean' then return 'response.success must be true or false' end
  for _, name in ipairs({ 'runtimeInfo', 'stopped' }) do
    local info = present(response[name])
    local fault = info and run_fault(info, response.instanceId)
    if fault then return 'response: ' .. fault end
  end
  return nil
end

local function complete(keys, args)
  local worker_id = args[1]
  local data = told_object(args[3])
  if not data then
    return refuse('MALFORMED', 'a completion must be a JSON object on one line, of at most 256 KiB')
  end
  local fault = response_fault(data, worker_id)
  if fault then return refuse('MALFORMED', fault) end
  local response = data.response
  local worker, why_not = present_worker(keys, worker_id, args[2])
  if not worker then return { 'refused', why_not } end
  local command = read_command(keys, data.commandId)
  if not command then return repeated(keys, data, response) end
  local accepted = command.accepted
  if not accepted or accepted.workerId ~= worker_id or accepted.attempt ~= data.attempt then
    return { 'refused', 'ended' }
  end
  local expected = string.gsub(command.type, 'Command$', 'Response')
  if response.type ~= expected or response.instanceId ~= command.instance then
    return refuse('MALFORMED', command.id .. ' awaits ' .. expected .. ' of ' .. command.instance)
  end
  local instance = read_instance(keys, command.instance)
  local run = read_run(keys, instance.id)
  local event_type = response.success and 'CommandSucceeded' or 'CommandFailed'
  local event = record(keys, instance, event_type, args[3], worker_meta(worker_id, command))
  end_command(keys, instance, command, event)
  after_response(keys, instance, run, response)
  run.completed = { commandId = command.id, attempt = data.attempt, position = event.position }
  write_run(keys, instance.id, run)
  write_instance(keys, instance)
  return { 'completed', told(event) }
end

redis.register_function {
  function_name = LIBRARY .. '_complete',
  callback = complete,
  flags = { 'allow-oom' },
}

-- observe: a worker reports a change of a run unasked. Design §4 rule 13.
--
-- KEYS  the base keys. ARGV 1 worker  2 incarnation  3 data JSON: {instanceId, observation, runtimeInfo, workerId}, or,
--       of the health of a run, {instanceId, runId, runGeneration, health, …, workerId}; of one that has ended it is not
--       written down.
-- Gives ["recorded"] | ["refused", reason]; reason: superseded, unknown. Errors: DRAASINSTANCE for an instance that is
-- not in the log, DRAASMALFORMED.
-- Atomic, because what `standing` and `forget` go by must never differ from what the log says.

local OBSERVATIONS = { Exited = true, Found = true, Lost = true }

local function observe(keys, args)
  local data = told_object(args[3])
  if not data then
    return refuse('MALFORMED', 'an observation must be a JSON object on one line, of at most 256 KiB')
  end
  local is_health = data.health ~= nil
  if not is_health and not OBSERVATIONS[data.observation] then
    return refuse('MALFORMED', 'an observation must be one of Exited, Found, Lost')
  end
  if data.workerId ~= args[1] then return refuse('MALFORMED', 'workerId must be ' .. args[1]) end
  local fault = is_health and health_fault(data) or
    not is_health and run_fault(data.runtimeInfo, data.instanceId)
  if fault then return refuse('MALFORMED', fault) end
  local worker, why_not = present_worker(keys, args[1], args[2])
  if not worker then return { 'refused', why_not } end
  local instance = read_instance(keys, data.instanceId)
  if not instance then return refuse('INSTANCE', data.instanceId) end
  local run = read_run(keys, instance.id)
  if is_health and run.ended == data.runId then return { 'recorded' } end
  record(keys, instance, is_health and 'HealthObserved' or 'RuntimeObserved', args[3], worker_meta(args[1]))
  if not is_health then
    after_observation(keys, instance, run, data.observation, data.runtimeInfo)
    write_run(keys, instance.id, run)
  end
  write_instance(keys, instance)
  return { 'recorded' }
end

redis.register_function {
  function_name = LIBRARY .. '_observe',
  callback = observe,
  flags = { 'allow-oom' },
}
