#!lua name=probes
-- What two runtimes of Lua are both asked in a comparison: each function shows one part of the language.

-- What `pcall` gave, as a list; an error's own words do not count.
local function shown(results)
  if not results[1] then return { 'error' } end
  results[1] = 'fine'
  return results
end

-- A number in full.
local function digits(number)
  return redis.call('ECHO', number)
end

local function described(value)
  if type(value) == 'number' then return 'number ' .. digits(value) end
  if type(value) == 'string' then return 'text ' .. value end
  if type(value) == 'boolean' then return value and 'true' or 'false' end
  if value == nil then return 'nil' end
  if value == cjson.null then return 'null' end
  local keys, parts = {}, {}
  for key in pairs(value) do keys[#keys + 1] = type(key) .. ' ' .. key end
  table.sort(keys)
  for n, key in ipairs(keys) do
    local kind, name = string.match(key, '^(%a+) (.*)$')
    if kind == 'number' then name = tonumber(name) end
    parts[n] = '<' .. key .. '=' .. described(value[name]) .. '>'
  end
  return '{' .. table.concat(parts, ',') .. '}'
end

redis.register_function('match', function(keys, args)
  return shown({ pcall(string.match, args[1], args[2]) })
end)

redis.register_function('find', function(keys, args)
  return shown({ pcall(string.find, args[1], args[2], tonumber(args[3])) })
end)

redis.register_function('find_plain', function(keys, args)
  return { string.find(args[1], args[2], 1, true) }
end)

redis.register_function('gmatch', function(keys, args)
  local all = {}
  for a, b, c in string.gmatch(args[1], args[2]) do
    all[#all + 1] = table.concat({ a, b or 'none', c or 'none' }, '|')
  end
  return all
end)

redis.register_function('gsub', function(keys, args)
  return shown({ pcall(string.gsub, args[1], args[2], args[3], tonumber(args[4])) })
end)

redis.register_function('number', function(keys, args)
  local a, b = tonumber(args[1]), tonumber(args[2])
  return { tostring(a), digits(a), a .. '', a .. b, string.format('%d', a), string.format('%d|%s', a, b) }
end)

redis.register_function('tonumber', function(keys, args)
  local number = tonumber(args[1])
  if number == nil then return 'none' end
  return digits(number)
end)

redis.register_function('arithmetic', function(keys, args)
  local a, b = tonumber(args[1]), tonumber(args[2])
  local sum, floor = a + b, math.floor(a)
  local answer = { digits(sum), digits(a - b), digits(floor), digits(math.max(a, b)), digits(-a) }
  if b ~= 0 and a - a == 0 and b - b == 0 then answer[#answer + 1] = digits(a / b) end
  return { answer, a < b, a <= b, a > b, a >= b, a == b, args[1] + 1 == a + 1 }
end)

redis.register_function('sub', function(keys, args)
  return { string.sub(args[1], tonumber(args[2])), string.sub(args[1], args[2], args[3]), #args[1] }
end)

redis.register_function('compare', function(keys, args)
  local a, b = args[1], args[2]
  return { a < b, a <= b, a > b, a >= b, a == b }
end)

redis.register_function('decode', function(keys, args)
  local is_read, value = pcall(cjson.decode, args[1])
  return is_read and described(value) or 'error'
end)

redis.register_function('encode', function(keys, args)
  return cjson.encode(cjson.decode(args[1]))
end)

redis.register_function('encode_text', function(keys, args)
  return cjson.encode({ [args[1] .. ''] = args[1] })
end)

redis.register_function('encode_number', function(keys, args)
  local is_written, text = pcall(cjson.encode, tonumber(args[1]))
  return is_written and text or 'error'
end)

-- A list with one element far out, and a number for a key.
redis.register_function('encode_list', function(keys, args)
  local list, by = { 'a' }, {}
  list[tonumber(args[1])] = true
  by[tonumber(args[2])] = 'x'
  local is_list, text = pcall(cjson.encode, list)
  local is_object, other = pcall(cjson.encode, by)
  return { is_list and text or 'error', is_object and other or 'error', cjson.encode({}) }
end)

redis.register_function('reply', function(keys, args)
  return cjson.decode(args[1])
end)

redis.register_function('error_reply', function(keys, args)
  return redis.error_reply(args[1])
end)

redis.register_function('raise', function(keys, args)
  if args[1] == 'text' then error('some words') end
  if args[1] == 'table' then error({ err = 'CODE some words' }) end
  if args[1] == 'word' then return redis.call('ECHO', {}) end
  return { pcall(error, { err = 'X' }) }
end)
