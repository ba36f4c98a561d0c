-- What every function of the library stands on: where things are kept, how an event is written, how a command ends.
--
-- KEYS begin with the same eleven for every function (the constants below); streams and other keys follow. A function
-- touches only keys that it was given: what it would need besides, it names in its answer ("keys", name), before its
-- first write, and the caller asks again. All checks come before the first write, since Lua here has no rollback.
-- SCHEMA (the schema number of each event type) and LIBRARY (the prefix of the functions' names) are put before.

local LOG, VERSIONS, RUNS, PLACED, COMMANDS, PAYLOADS = 1, 2, 3, 4, 5, 6
local WORKERS, BEATS, META, LEADER, ORIGINS = 7, 8, 9, 10, 11
local BASE = 11
local GROUP = 'workers'
local NOTHING = '0-0'

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function whole(number)
  return string.format('%d', number)
end

local function has_key(keys, name)
  for index = BASE + 1, #keys do
    if keys[index] == name then return true end
  end
  return false
end

-- versions: instance -> "version generation last origin commands"; the live commands by comma.
local function read_instance(keys, id)
  local text = redis.call('HGET', keys[VERSIONS], id)
  if not text then return nil end
  local version, generation, last, origin, live = string.match(text, '^(%d+) (%d+) (%S+) (%S+) (.*)$')
  return {
    id = id,
    version = tonumber(version),
    generation = tonumber(generation),
    last = last,
    origin = origin,
    live = live,
  }
end

local function new_instance(id)
  return { id = id, version = 0, generation = 0, last = NOTHING, origin = NOTHING, live = '' }
end

local function write_instance(keys, instance)
  redis.call('HSET', keys[VERSIONS], instance.id, table.concat({
    whole(instance.version),
    whole(instance.generation),
    instance.last,
    instance.origin,
    instance.live,
  }, ' '))
end

local function is_live(instance, command_id)
  return string.find(',' .. instance.live .. ',', ',' .. command_id .. ',', 1, true) ~= nil
end

local function add_live(instance, command_id)
  instance.live = instance.live == '' and command_id or instance.live .. ',' .. command_id
end

local function remove_live(instance, command_id)
  if instance.live == command_id then
    instance.live = ''
    return
  end
  local left = {}
  for one in string.gmatch(instance.live, '[^,]+') do
    if one ~= command_id then left[#left + 1] = one end
  end
  instance.live = table.concat(left, ',')
end

-- Where the instance's fold begins: its first event, or its newest baseline. A cut goes by it.
local function set_origin(keys, instance, position)
  instance.origin = position
  redis.call('ZADD', keys[ORIGINS], string.match(position, '^(%d+)'), instance.id)
end

-- What a node of a release that does not know the type may pass over.
local IGNORABLE = { HealthObserved = true }

-- Adds one event to the log and moves the instance's record on; the caller writes the record.
local function record(keys, instance, event_type, data, meta, schema)
  local version = instance.version + 1
  local previous = instance.last
  local number = whole(schema or SCHEMA[event_type])
  local position
  if IGNORABLE[event_type] then
    position = redis.call('XADD', keys[LOG], '*', 'i', instance.id, 'v', whole(version),
      't', event_type, 's', number, 'd', data, 'm', meta, 'p', previous, 'x', '1')
  else
    position = redis.call('XADD', keys[LOG], '*', 'i', instance.id, 'v', whole(version),
      't', event_type, 's', number, 'd', data, 'm', meta, 'p', previous)
  end
  instance.version = version
  instance.last = position
  if previous == NOTHING or event_type == 'Baseline' then set_origin(keys, instance, position) end
  local channel = string.sub(keys[LOG], 1, -4) .. 'instance.events'
  redis.call('PUBLISH', channel, position .. ' ' .. instance.id .. ' ' .. event_type)
  return {
    position = position,
    at = string.match(position, '^(%d+)'),
    previous = previous,
    id = instance.id,
    version = version,
    type = event_type,
    schema = number,
    data = data,
    meta = meta,
  }
end

-- An event as an answer: what `stored_entries.ts` makes an event of.
local function told(event)
  return {
    event.position, event.id, whole(event.version), event.type, event.schema, event.data,
    event.meta, event.previous,
  }
end

local function told_entry(position, fields)
  local by = {}
  for index = 1, #fields, 2 do by[fields[index]] = fields[index + 1] end
  return { position, by.i, by.v, by.t, by.s, by.d, by.m, by.p, by.x or '' }
end

local function as_json(event)
  local previous = event.previous == NOTHING and 'null' or '"' .. event.previous .. '"'
  return table.concat({
    '{"position":"', event.position, '","previous":', previous,
    ',"instanceId":', cjson.encode(event.id), ',"version":', whole(event.version),
    ',"type":"', event.type, '","schema":', event.schema, ',"at":', event.at,
    ',"data":', event.data, ',"meta":', event.meta, '}',
  })
end

local function read_command(keys, command_id)
  local text = redis.call('HGET', keys[COMMANDS], command_id)
  if not text then return nil end
  local command = cjson.decode(text)
  command.id = command_id
  return command
end

local function write_command(keys, command)
  local id = command.id
  command.id = nil
  redis.call('HSET', keys[COMMANDS], id, cjson.encode(command))
  command.id = id
end

-- Takes a command off its stream, if it is still on one.
local function take_off(command)
  if not command.entry then return end
  redis.call('XACK', command.stream, GROUP, command.entry)
  redis.call('XDEL', command.stream, command.entry)
  command.stream = nil
  command.entry = nil
end

-- The stream that must be among the keys before a command can be taken off it; nil when none is missing.
local function missing_stream(keys, command)
  if command.entry and not has_key(keys, command.stream) then return command.stream end
  return nil
end

-- Ends a command with the event that ended it: its removal and its reply. The caller writes the instance.
local function end_command(keys, instance, command, event)
  take_off(command)
  redis.call('HDEL', keys[COMMANDS], command.id)
  redis.call('HDEL', keys[PAYLOADS], command.id)
  remove_live(instance, command.id)
  if command.replyChannel then redis.call('PUBLISH', command.replyChannel, as_json(event)) end
end

local function read_worker(keys, worker_id)
  local text = redis.call('HGET', keys[WORKERS], worker_id)
  return text and cjson.decode(text) or nil
end

local function write_worker(keys, worker_id, worker)
  redis.call('HSET', keys[WORKERS], worker_id, cjson.encode(worker))
end

local function is_retired(worker, incarnation)
  return string.find(' ' .. worker.retired .. ' ', ' ' .. incarnation .. ' ', 1, true) ~= nil
end

-- The worker's record, or nil and what its call is answered with.
local function registered_worker(keys, worker_id, incarnation)
  local worker = read_worker(keys, worker_id)
  if not worker then return nil, 'unknown' end
  if worker.incarnation == incarnation then
    if worker.forgotten or worker.lost then return nil, 'unknown' end
    return worker, nil
  end
  if is_retired(worker, incarnation) then return nil, 'superseded' end
  return nil, 'unknown'
end

-- beats: worker -> "incarnation ms busy platform site". The last two are there only while that incarnation is present,
-- so that most calls need not read the worker's whole record: whoever supersedes it or gives it up takes them away.
local function present_worker(keys, worker_id, incarnation)
  local text = redis.call('HGET', keys[BEATS], worker_id) or ''
  local heard, busy, platform, site = string.match(text, '^(%S+) %d+ (%d+) (%S+) (%S+)$')
  if heard == incarnation then
    return { incarnation = incarnation, busy = busy, platform = platform, site = site }, nil
  end
  local worker, why_not = registered_worker(keys, worker_id, incarnation)
  if worker then worker.busy = string.match(text, '^%S+ %d+ (%d+)') end
  return worker, why_not
end

-- A worker that is present was heard; without `busy`, as busy as it last said.
local function beat(keys, worker_id, worker, now, busy)
  redis.call('HSET', keys[BEATS], worker_id, table.concat({
    worker.incarnation, whole(now), busy or worker.busy or '0', worker.platform, worker.site,
  }, ' '))
end

-- Its incarnation is present no more; when it was heard last stays known.
local function silence(keys, worker_id)
  local text = redis.call('HGET', keys[BEATS], worker_id)
  if text then redis.call('HSET', keys[BEATS], worker_id, string.match(text, '^%S+ %d+ %d+')) end
end

local function worker_meta(worker_id, command)
  local by = '{"requestedBy":' .. cjson.encode('worker:' .. worker_id)
  if not command then return by .. '}' end
  return by .. ',"correlationId":' .. cjson.encode(command.correlationId) .. '}'
end

local function refuse(name, message)
  return redis.error_reply('DRAAS' .. name .. ' ' .. message)
end

local function is_urgent(command)
  return command.type == 'StopInstanceCommand' or command.type == 'DeleteInstanceCommand'
end
