-- A copy of a whole log out of a namespace, and into an empty one. A library of its own: no fleet that runs needs it.
--
-- KEYS begin with the same eleven for every function (the constants below); other keys follow. LIBRARY (the prefix of
-- the functions' names) is put before. All checks come before the first write, since Lua here has no rollback.

local LOG, VERSIONS, RUNS, PLACED, COMMANDS, PAYLOADS = 1, 2, 3, 4, 5, 6
local WORKERS, BEATS, META, LEADER, ORIGINS = 7, 8, 9, 10, 11
local BASE = 11
-- Of the hash `meta`: that an import is under way, or was not finished. Programs of the fleet do not begin beside it.
local MARK = 'import'

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- frame: what a namespace holds at this moment, but for its events. Reads only.
--
-- KEYS  the base keys. Gives [newest position ("" for none), number of events, last position that was cut (""),
-- versions, runs, commands, payloads, workers], each of the last five as names and values by turns.
-- In one function, so that records and commands are those of the newest event. It reads what there is of each instance:
-- for a rare step.

local function frame(keys)
  local newest = redis.call('XREVRANGE', keys[LOG], '+', '-', 'COUNT', 1)[1]
  return {
    newest and newest[1] or '',
    tostring(redis.call('XLEN', keys[LOG])),
    redis.call('HGET', keys[META], 'cut') or '',
    redis.call('HGETALL', keys[VERSIONS]),
    redis.call('HGETALL', keys[RUNS]),
    redis.call('HGETALL', keys[COMMANDS]),
    redis.call('HGETALL', keys[PAYLOADS]),
    redis.call('HGETALL', keys[WORKERS]),
  }
end

redis.register_function {
  function_name = LIBRARY .. '_frame',
  callback = frame,
  flags = { 'no-writes' },
}

-- Why nothing may be imported: ["full", events] | ["led", node] | ["worked", worker]; nil when it may.
local function obstacle(keys, silent_ms)
  for _, key in ipairs({ LOG, VERSIONS, COMMANDS }) do
    if redis.call('EXISTS', keys[key]) == 1 then return { 'full', tostring(redis.call('XLEN', keys[LOG])) } end
  end
  local holder = redis.call('GET', keys[LEADER])
  if holder then return { 'led', string.match(holder, '^%S+') or holder } end
  local beats, now = redis.call('HGETALL', keys[BEATS]), now_ms()
  for index = 1, #beats, 2 do
    local at = tonumber(string.match(beats[index + 1], '^%S+ (%d+)'))
    if at and now - at < silent_ms then return { 'worked', beats[index] } end
  end
  return nil
end

-- begin_import: marks an empty namespace, so that no program of the fleet begins on it.
--
-- KEYS  the base keys. ARGV 1 the mark (JSON)  2 a worker that was heard within this (ms) lives.
-- Gives ["begun", the mark that was there ("" for none)] | an obstacle.
-- In one function, since it decides by what it reads.

local function begin_import(keys, args)
  local why_not = obstacle(keys, tonumber(args[2]))
  if why_not then return why_not end
  local before = redis.call('HGET', keys[META], MARK) or ''
  redis.call('HSET', keys[META], MARK, args[1])
  return { 'begun', before }
end

redis.register_function(LIBRARY .. '_begin_import', begin_import)

-- publish: what was imported beside the namespace becomes it.
--
-- KEYS  the base keys; then the snapshot's key; then by turns a key of the namespace and what was imported for it.
-- ARGV  1 the mark, as it was set  2 a worker that was heard within this (ms) lives  3 last position that was cut ("").
-- Gives ["published"] | ["overtaken"]: the mark is another import's | an obstacle.
-- Atomic, so that nobody ever sees a part of it; and what lives there meanwhile keeps it out.

local function publish(keys, args)
  if redis.call('HGET', keys[META], MARK) ~= args[1] then return { 'overtaken' } end
  local why_not = obstacle(keys, tonumber(args[2]))
  if why_not then return why_not end
  -- A snapshot of a fleet that was here once would be taken for one of this.
  redis.call('DEL', keys[BASE + 1])
  redis.call('DEL', keys[BEATS])
  for index = BASE + 2, #keys, 2 do
    redis.call('DEL', keys[index])
    if redis.call('EXISTS', keys[index + 1]) == 1 then redis.call('RENAME', keys[index + 1], keys[index]) end
  end
  redis.call('HDEL', keys[META], MARK)
  if args[3] ~= '' then
    redis.call('HSET', keys[META], 'cut', args[3])
  else
    redis.call('HDEL', keys[META], 'cut')
  end
  return { 'published' }
end

redis.register_function(LIBRARY .. '_publish', publish)
