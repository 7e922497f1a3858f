-- libad in LuaJIT, from libad.json alone: its types, structs and prototypes become the declarations that ffi reads, and ad_call_named the calls.
--
--     local ad = require "libad"
--     local x = ad.array { 1, 2, 3 }
--     print(ad.sum(x * x, { keepdims = true }), ad.grad(function(x) return ad.sum(x ^ 3) end)(x))
--
-- Operands stand in order; a table behind them whose keys are names has the options. LIBAD and LIBAD_JSON name the files.
local ffi = require "ffi"
jit.off(true, true) -- what libad calls back may not be called from compiled code

-- ---- libad.json ----

local function decode(text)
    local at = 1
    local escapes = { n = "\n", t = "\t", b = "\b", f = "\f", r = "\r" }
    local value
    local function skip() at = text:find("[^ \n\t\r]", at) end
    local function string_()
        local from = at + 1
        at = from
        while text:sub(at, at) ~= '"' do at = at + (text:sub(at, at) == "\\" and 2 or 1) end
        at = at + 1
        return (text:sub(from, at - 2):gsub("\\u(%x%x%x%x)", "?"):gsub("\\(.)", function(c) return escapes[c] or c end))
    end
    local function list(stop, entry)
        local all = {}
        at = at + 1
        skip()
        while text:sub(at, at) ~= stop do
            entry(all)
            skip()
            if text:sub(at, at) == "," then at = at + 1; skip() end
        end
        at = at + 1
        return all
    end
    function value()
        skip()
        local c = text:sub(at, at)
        if c == '"' then return string_() end
        if c == "[" then return list("]", function(all) all[#all + 1] = value() end) end
        if c == "{" then
            local order = {}
            local all = list("}", function(all) local name = string_(); skip(); at = at + 1; all[name] = value(); order[#order + 1] = name end)
            return setmetatable(all, { order = order })
        end
        local word = text:match("^[%w.+-]+", at)
        at = at + #word
        if word == "null" then return nil end
        if word == "true" or word == "false" then return word == "true" end
        return tonumber(word)
    end
    return value()
end

local function in_order(all)
    local order, i = getmetatable(all).order, 0
    return function() i = i + 1; return order[i], all[order[i]] end
end

local json = decode(assert(io.open(os.getenv("LIBAD_JSON") or "/usr/share/libad/libad.json")):read("*a"))

-- ---- what ffi has to know ----

local function declared(type_, name)
    if type_:find("(*", 1, true) then return (type_:gsub("%(%*", "(*" .. name, 1)) end
    local base, brackets = type_:match("^(.-)(%[.*)$")
    return base and base .. " " .. name .. brackets or type_ .. " " .. name
end

local function members(list)
    local text = ""
    for _, m in ipairs(list) do
        text = text .. (m.members and m.type .. " {" .. members(m.members) .. "} " .. m.name or declared(m.type, m.name)) .. "; "
    end
    return text
end

local text = { "typedef struct FILE FILE;" }
for name, value in in_order(json.enumerations) do text[#text + 1] = ("enum { %s = %d };"):format(name, value) end
local late = {}
for name, kind in in_order(json.types) do
    if kind == "opaque" then text[#text + 1] = ("typedef struct %s %s;"):format(name, name)
    elseif kind == "enumeration" then text[#text + 1] = "typedef int " .. name .. ";"
    else late[#late + 1] = kind end
end
for name in in_order(json.structs) do text[#text + 1] = ("typedef struct %s %s;"):format(name, name) end
for name, list in in_order(json.structs) do text[#text + 1] = ("struct %s { %s};"):format(name, members(list)) end
local seen = {}
for _, f in ipairs(json.functions) do
    if f.options and not seen[f.options.type] then
        seen[f.options.type] = true
        text[#text + 1] = ("typedef struct { %s%s } %s;"):format(members(f.options.fields), members { f.options.last }, f.options.type)
    end
end
for _, kind in ipairs(late) do text[#text + 1] = kind end
for _, f in ipairs(json.functions) do text[#text + 1] = f.text:gsub("_Complex", "") .. ";" end
ffi.cdef(table.concat(text, "\n") .. "\nvoid free(void *);")
local lib, E = ffi.load(os.getenv("LIBAD") or "ad"), json.enumerations

-- ---- values ----

local Array, Tree = {}, {}
local functions, failure = {}, nil -- by context, while a transformation runs; what the error was that left one

local function array(pointer) return setmetatable({ pointer = ffi.gc(lib.ad_retain(pointer), lib.ad_release) }, Array) end

-- x as libad takes it; what it points at is kept in `kept`.
local function tagged(x, kept, into)
    local t, kind = into or ffi.new "ad_tagged", type(x)
    if kind == "nil" then t.kind = E.AD_KIND_NONE
    elseif kind == "number" then t.kind, t.real = E.AD_KIND_REAL, x
    elseif kind == "boolean" then t.kind, t.integer = E.AD_KIND_BOOL, x and 1 or 0
    elseif kind == "string" then t.kind, t.text, kept[#kept + 1] = E.AD_KIND_TEXT, x, x
    elseif kind == "cdata" and ffi.istype("ad_key", x) then t.kind, t.key = E.AD_KIND_KEY, x
    elseif kind == "cdata" then t.kind, t.pointer, kept[#kept + 1] = E.AD_KIND_POINTER, x, x
    elseif getmetatable(x) == Array then t.kind, t.array, kept[#kept + 1] = E.AD_KIND_ARRAY, x.pointer, x
    else
        local integers = #x > 0 -- a table of integers is a shape or axes, any other a tree
        for _, v in ipairs(x) do integers = integers and type(v) == "number" and v % 1 == 0 end
        local all = {}
        if #x > 0 then all = x else for name, v in pairs(x) do all[#all + 1] = name; all[#all + 1] = v end end
        local items = ffi.new(integers and "int64_t[?]" or "ad_tagged[?]", #all)
        for i, v in ipairs(all) do if integers then items[i - 1] = v else tagged(v, kept, items[i - 1]) end end
        t.kind, t.count, kept[#kept + 1] = integers and E.AD_KIND_INTEGERS or E.AD_KIND_LIST, #all, items
        if integers then t.integers = items else t.list = items end
    end
    return t
end

local function tree(t)
    local all = {}
    for i = 0, lib.ad_tree_count(t) - 1 do
        local name, x = ffi.string(lib.ad_tree_name(t, i)), lib.ad_tree_array_at(t, i)
        all[name == tostring(i) and i + 1 or name] = x ~= nil and array(x) or tree(lib.ad_tree_tree_at(t, i))
    end
    return all
end

local function untagged(t)
    if t.kind == E.AD_KIND_ARRAY then return array(t.array) end
    if t.kind == E.AD_KIND_TREE then return tree(t.tree) end
    if t.kind == E.AD_KIND_REAL then return t.real end
    if t.kind == E.AD_KIND_INTEGER then return tonumber(t.integer) end
    if t.kind == E.AD_KIND_BOOL then return t.integer ~= 0 end
    if t.kind == E.AD_KIND_TEXT then return ffi.string(t.text) end
    if t.kind == E.AD_KIND_KEY then return ffi.new("ad_key", t.key) end
    if t.kind == E.AD_KIND_NONE then return nil end
    if t.kind ~= E.AD_KIND_INTEGERS then return t end
    local all = {}
    for i = 1, t.count do all[i] = tonumber(t.integers[i - 1]) end
    return all
end

-- ---- calls ----

local function check()
    if not lib.ad_failed() then return end
    local message, thrown = ffi.string(lib.ad_error_message()), failure
    failure = nil
    lib.ad_clear_error()
    error(thrown or message, 0)
end

-- Whatever libad makes in f is dropped at its end, but for what Lua holds then.
local function in_a_scope(f, ...)
    local scope = lib.ad_scope_open()
    local results = { pcall(f, ...) }
    lib.ad_scope_close(scope)
    if not results[1] then error(results[2], 0) end
    return unpack(results, 2, table.maxn(results))
end

local function options_of(x) return type(x) == "table" and getmetatable(x) == nil and #x == 0 and next(x) ~= nil end

local function call(name, ...)
    local count, operands, kept, named, n = select("#", ...), { ... }, {}, nil, 0
    if count > 0 and options_of(operands[count]) then
        for _ in pairs(operands[count]) do n = n + 1 end
        named, n = ffi.new("ad_named[?]", n), 0
        for option, x in pairs(operands[count]) do
            named[n].name, kept[#kept + 1] = option, option
            tagged(x, kept, named[n].value)
            n = n + 1
        end
        count = count - 1
    end
    local values = ffi.new("ad_tagged[?]", count + 1)
    for i = 1, count do tagged(operands[i], kept, values[i - 1]) end
    return in_a_scope(function()
        local result = lib.ad_call_named(name, values, count, named, n)
        check()
        return untagged(result)
    end)
end

for operator, name in pairs { add = "add", sub = "sub", mul = "mul", div = "div", pow = "pow", mod = "mod" } do
    Array["__" .. operator] = function(a, b) return call("ad_" .. name, a, b) end
end
Array.__unm = function(x) return call("ad_neg", x) end
Array.__index = function(x, name) return function(...) return call("ad_" .. name, ...) end end -- x:sum { axis = 0 }
Array.__tostring = function(x)
    local text = lib.ad_tostring(x.pointer)
    check()
    local copy = ffi.string(text)
    ffi.C.free(text)
    return copy
end

-- ---- derivatives of Lua functions ----

local trampoline = ffi.cast("ad_array *(*)(ad_array *, void *)", function(x, context)
    local done, y = pcall(functions[tonumber(ffi.cast("intptr_t", context))], array(x))
    local kept = {}
    if done and getmetatable(y) ~= Array then done, y = pcall(call, "ad_asarray", y) end
    if done then return lib.ad_asarray(y.pointer) end
    failure = failure or y
    lib.ad_set_error(E.AD_ERROR_USER, "%s", tostring(y))
    return nil
end)

-- ad.grad(f) and its like, of functions of one array.
local function transformation(name, argnum)
    return function(f)
        return function(x, ...)
            local fn = lib.ad_function_of(ffi.cast("void (*)(void)", trampoline), "a(a,p)")
            local further, kept = { ... }, {}
            local values, made = ffi.new("ad_tagged[?]", 2 + #further), ffi.new "ad_tagged[2]"
            functions[#functions + 1] = f
            tagged(x, kept, values[0])
            values[1].kind, values[1].pointer = E.AD_KIND_POINTER, ffi.cast("void *", #functions)
            for i, v in ipairs(further) do tagged(v, kept, values[1 + i]) end
            made[0].kind, made[0]["function"] = E.AD_KIND_FUNCTION, fn
            tagged(argnum, kept, made[1])
            local outermost = #functions == 1
            local done, result = pcall(in_a_scope, function()
                local transformed = lib.ad_call_named(name, made, argnum and 2 or 1, nil, 0)
                check()
                local y = lib.ad_call_tagged(transformed["function"], values, 2 + #further)
                check()
                return untagged(y)
            end)
            if outermost then functions = {} end -- until then a sweep may call it again
            if not done then error(result, 0) end
            return result
        end
    end
end

local ad = { lib = lib, json = json, call = call }
for _, name in ipairs { "jacobian", "hessian", "deriv", "hvp", "checkpoint" } do ad[name] = transformation("ad_" .. name) end
ad.grad = transformation("ad_grad", 0)

-- An array of numbers, or of tables of them.
function ad.array(numbers)
    local shape, flat = {}, { numbers }
    while type(flat[1]) == "table" do
        local next_flat = {}
        shape[#shape + 1] = #flat[1]
        for _, row in ipairs(flat) do for _, x in ipairs(row) do next_flat[#next_flat + 1] = x end end
        flat = next_flat
    end
    return call("ad_from_data", "float64", ffi.new("double[?]", #flat, flat), shape)
end

return setmetatable(ad, { __index = function(_, name) return function(...) return call("ad_" .. name, ...) end end })
