-- What examples/bindings/libad.lua can do, checked; and that libad.json alone says how every struct of options is laid out.
local ffi, ad = require "ffi", require "libad"

local function equal(a, b)
    assert(tostring(a) == tostring(b), tostring(a) .. " is not " .. tostring(b))
end

for _, f in ipairs(ad.json.functions) do
    local p = f.options and ad.lib.ad_prototype_of(f.name)
    assert(not p or p.options_size == ffi.sizeof(f.options.type), f.name)
    for i = 0, p and p.option_count - 1 or -1 do
        assert(p.options[i].offset == ffi.offsetof(f.options.type, ffi.string(p.options[i].name)), f.name)
    end
end
print "ok 1 - libad_json_describes_every_struct_of_options"

local x = ad.array { { 1, 2 }, { 3, 4 } }
equal(ad.sum(x), "10.0")
equal(x:sum { axis = 0, keepdims = true }, "[[4. 6.]]")
equal(1 - x / 2, "[[ 0.5  0. ]\n [-0.5 -1. ]]")
equal(ad.at(ad.concatenate { x, x }, "-1, ::-1"), "[4. 3.]")
equal(ad.linalg_eigh(ad.eye(2)).eigenvalues, "[1. 1.]")
equal(table.concat(ad.shape_of(x), ","), "2,2")
equal(ad.array(3), "3.0")
equal(ad.random_normal(ad.random_key(3), { 2 }), ad.random_normal(ad.random_key(3), { 2 }))
print "ok 2 - functions_take_operands_and_options"

local function cube(x) return ad.sum(x ^ 3) end
equal(ad.grad(cube)(x), "[[ 3. 12.]\n [27. 48.]]")
equal(ad.grad(function(x) return ad.sum(ad.grad(cube)(x)) end)(x), "[[ 6. 12.]\n [18. 24.]]")
equal(ad.hvp(cube)(x, x), "[[ 6. 24.]\n [54. 96.]]")
equal(ad.jacobian(function(x) return x * x end)(ad.array { 1, 2 }), "[[2. 0.]\n [0. 4.]]")
for _ = 1, 1000 do ad.grad(cube)(x) end -- whatever is compiled by then
print "ok 3 - lua_functions_are_differentiated"

local function message(f) return tostring(select(2, pcall(f))) end
assert(message(function() ad.sum(x, { axs = 0 }) end):find("there is no option axs", 1, true))
assert(message(function() ad.grad(function() error "mine" end)(x) end):find("mine", 1, true))
assert(message(function() ad.grad(function(x) return x end)(x) end):find("not a scalar", 1, true))
equal(ad.grad(cube)(x), "[[ 3. 12.]\n [27. 48.]]")
print "ok 4 - errors_are_thrown\n1..4"
