-- Which run the log takes for live. A run only moves forward: a late report of one that has ended does not revive it.
-- runs: instance -> {runId?, site?, info?, ended?, completed?}; placed: "site|instance", for what is live at a site.

local function read_run(keys, instance_id)
  local text = redis.call('HGET', keys[RUNS], instance_id)
  return text and cjson.decode(text) or {}
end

local function write_run(keys, instance_id, run)
  redis.call('HSET', keys[RUNS], instance_id, cjson.encode(run))
end

local function clear_run(keys, instance, run)
  if run.site then redis.call('ZREM', keys[PLACED], run.site .. '|' .. instance.id) end
  run.runId = nil
  run.site = nil
  run.info = nil
end

local function run_started(keys, instance, run, info)
  if run.ended == info.runId then return end
  clear_run(keys, instance, run)
  run.runId = info.runId
  run.site = info.site
  run.info = info
  redis.call('ZADD', keys[PLACED], 0, info.site .. '|' .. instance.id)
end

local function run_ended(keys, instance, run, info)
  run.ended = info.runId
  if run.runId == info.runId then clear_run(keys, instance, run) end
end

local function present(value)
  if value == nil or value == cjson.null then return nil end
  return value
end

-- What a server was started with may be newer than a log that lost its end: later commands must be newer than both.
local function raise_generation(instance, info)
  if info.generation > instance.generation then instance.generation = info.generation end
end

local function after_response(keys, instance, run, response)
  local stopped = present(response.stopped)
  if response.type == 'RestartInstanceResponse' and stopped then
    run_ended(keys, instance, run, stopped)
  end
  local info = present(response.runtimeInfo)
  if info then
    raise_generation(instance, info)
    if info.status == 'Running' then
      run_started(keys, instance, run, info)
    else
      run_ended(keys, instance, run, info)
    end
  end
  if response.type == 'DeleteInstanceResponse' and response.success then
    clear_run(keys, instance, run)
  end
end

-- `isNewer` of events/runtime_info.ts.
local function is_newer(info, known)
  return info.generation > known.generation and info.startedAt >= known.startedAt
end

local function after_observation(keys, instance, run, kind, info)
  raise_generation(instance, info)
  if kind == 'Exited' then
    run_ended(keys, instance, run, info)
  elseif kind == 'Lost' then
    if run.runId == info.runId then clear_run(keys, instance, run) end
  elseif info.status == 'Running' and (not run.info or is_newer(info, run.info)) then
    run_started(keys, instance, run, info)
  end
end

-- What a worker tells is checked at the door: what is in the log is folded by every node for ever after.
-- A count is a whole number that JavaScript can hold too.
local RUN_REQUIRED = {
  instanceId = 'string', runId = 'string', site = 'string', status = 'string', generation = 'count',
  startedAt = 'number', runtimeMetadata = 'table',
}
local RUN_OPTIONAL = {
  stoppedAt = 'number', processId = 'string', containerId = 'string', podName = 'string',
  namespace = 'string', host = 'string', port = 'count', leaseMs = 'count', exit = 'table',
  logTail = 'string', capsule = 'table',
}
local EXIT_REASONS = {
  Exited = true, Stopped = true, Killed = true, HostRebooted = true, LeaseLapsed = true, Unknown = true,
}
local COUNT_MAX = 9007199254740991
local TOLD_MAX = 256 * 1024
local CAPSULE_MAX = 4 * 1024
local LITERALS = { ['true'] = true, ['false'] = true, ['null'] = true }

local function is_count(value)
  return type(value) == 'number' and value >= 0 and value <= COUNT_MAX and value % 1 == 0
end

local function is_of(value, wanted)
  if wanted == 'count' then return is_count(value) end
  return type(value) == wanted
end

-- The name of a field that is not as it must be, and what it must be; nil when all are.
local function wrong_field(info)
  for name, wanted in pairs(RUN_REQUIRED) do
    if not is_of(info[name], wanted) then return name, wanted end
  end
  for name, value in pairs(info) do
    local wanted = RUN_OPTIONAL[name]
    if wanted and not is_of(value, wanted) then return name, wanted end
  end
  return nil
end

local function is_json_number(token)
  local rest = string.match(token, '^%-?0(.*)$') or string.match(token, '^%-?[1-9]%d*(.*)$')
  if not rest then return false end
  rest = string.gsub(string.gsub(rest, '^%.%d+', ''), '^[eE][+-]?%d+', '')
  local number = tonumber(token)
  -- One too large for a double is read as infinite, and could not be written again.
  return rest == '' and number - number == 0
end

-- The object that a worker tells, or nil. cjson reads more than JSON (NaN, hexadecimal numbers, line breaks within a
-- text), and one such text in the log would stop every node that reads it.
local function told_object(text)
  if #text > TOLD_MAX then return nil end
  -- %c, which finds faster, takes the harmless DEL for one too.
  if string.find(text, '%c') and string.find(text, '[%z\1-\31]') then return nil end
  local is_read, object = pcall(cjson.decode, text)
  if not is_read or type(object) ~= 'table' then return nil end
  local bare = string.find(text, '\\', 1, true) and string.gsub(text, '\\.', '') or text
  bare = string.gsub(bare, '"[^"]*"', '')
  for token in string.gmatch(bare, '[^ ,:%[%]{}]+') do
    -- A short row of digits is the usual one.
    local is_plain = #token < 16 and string.find(token, '^[1-9]%d*$')
    if not is_plain and not LITERALS[token] and not is_json_number(token) then return nil end
  end
  return object
end

local function exit_fault(exit)
  if exit == nil then return nil end
  if exit.code ~= cjson.null and (type(exit.code) ~= 'number' or exit.code % 1 ~= 0) then
    return 'runtimeInfo.exit.code must be a whole number or null'
  end
  if exit.signal ~= cjson.null and type(exit.signal) ~= 'string' then
    return 'runtimeInfo.exit.signal must be a text or null'
  end
  if not EXIT_REASONS[exit.reason] then
    return 'runtimeInfo.exit.reason must be Exited, Stopped, Killed, HostRebooted, LeaseLapsed or Unknown'
  end
  if type(exit.message) ~= 'string' or #exit.message > 8000 then
    return 'runtimeInfo.exit.message must be a text of at most 2000 characters'
  end
  return nil
end

-- Why a run that a worker tells of cannot be taken as it is; nil when it can.
local function run_fault(info, instance_id)
  if type(info) ~= 'table' then return 'runtimeInfo must be an object' end
  local name, wanted = wrong_field(info)
  if name then return 'runtimeInfo.' .. name .. ' must be a ' .. wanted end
  if info.instanceId ~= instance_id then return 'runtimeInfo.instanceId must be ' .. instance_id end
  if info.status ~= 'Running' and info.status ~= 'Stopped' then
    return 'runtimeInfo.status must be Running or Stopped'
  end
  if info.runId == '' then return 'runtimeInfo.runId must not be empty' end
  if info.site == '' or string.find(info.site, '|', 1, true) then
    return 'runtimeInfo.site must be a text without |'
  end
  if info.logTail and #info.logTail > 32768 then return 'runtimeInfo.logTail must have at most 8 KiB' end
  if info.capsule and #cjson.encode(info.capsule) > 4 * CAPSULE_MAX then
    return 'runtimeInfo.capsule must have at most 4 KiB'
  end
  for _, value in pairs(info.runtimeMetadata) do
    if type(value) ~= 'string' then return 'runtimeInfo.runtimeMetadata must hold texts' end
  end
  return exit_fault(info.exit)
end

local HEALTHS = { starting = true, healthy = true, unhealthy = true }
local CAUSES = { liveness = true, components = true }
local STEPS = { spawning = true, settling = true, ['waiting-for-readiness'] = true }
local COMPONENTS_MAX = 20

local function is_text(value, most)
  return type(value) == 'string' and #value <= 4 * most
end

local function component_fault(one)
  if type(one) ~= 'table' or not is_text(one.kind, 100) or not is_text(one.name, 200) or
    not is_text(one.status, 100) or (one.reason ~= nil and not is_text(one.reason, 500)) then
    return 'components must hold objects with kind, name, status and perhaps reason'
  end
  return nil
end

-- Why a report about a server's health cannot be taken as it is; nil when it can.
local function health_fault(told)
  if type(told.instanceId) ~= 'string' or type(told.runId) ~= 'string' or told.runId == '' then
    return 'instanceId and runId must be texts'
  end
  if not is_count(told.runGeneration) then return 'runGeneration must be a count' end
  if not HEALTHS[told.health] then return 'health must be one of starting, healthy, unhealthy' end
  if told.cause ~= nil and not CAUSES[told.cause] then
    return 'cause must be one of liveness, components'
  end
  if told.reason ~= nil and not is_text(told.reason, 1000) then
    return 'reason must be a text of at most 1000 characters'
  end
  local start = told.start
  if start ~= nil and (type(start) ~= 'table' or not STEPS[start.step] or type(start.since) ~= 'number') then
    return 'start must be an object with step and since'
  end
  if told.components == nil then return nil end
  -- An empty list and an empty object are the same to cjson, and not to who reads the log.
  if type(told.components) ~= 'table' or #told.components < 1 or #told.components > COMPONENTS_MAX then
    return 'components must be a list of 1 to 20'
  end
  for _, one in ipairs(told.components) do
    local fault = component_fault(one)
    if fault then return fault end
  end
  return nil
end
