-- What a deployment without the module writes by hand: HS256, exp and roles,
-- through OpenSSL's HMAC by FFI (the fastest way there is from Lua).
local cjson = require "cjson.safe"
local ffi = require "ffi"

ffi.cdef[[
typedef struct evp_md_st EVP_MD;
const EVP_MD *EVP_sha256(void);
unsigned char *HMAC(const EVP_MD *md, const void *key, int key_len,
                    const unsigned char *d, size_t n, unsigned char *out, unsigned int *len);
]]

local md = ffi.C.EVP_sha256()
local out = ffi.new("unsigned char[32]")
local len = ffi.new("unsigned int[1]")
local allowed = { SuperAdmin = true, ["Formateur-int"] = true, ["Formateur-ext"] = true, ["Formé"] = true }

local function decode(part)
    local s = part:gsub("-", "+"):gsub("_", "/")
    return ngx.decode_base64(s .. ("="):rep(-#s % 4))
end

local function refuse(status, text)
    ngx.status = status
    ngx.header["Content-Type"] = "application/json"
    ngx.say(cjson.encode({ detail = text }))
    return ngx.exit(status)
end

return function(key)
    local token = (ngx.var.http_authorization or ""):match("^Bearer (.+)$")
    local header, payload, signature = (token or ""):match("^([^.]+)%.([^.]+)%.([^.]+)$")
    if not header then
        return refuse(401, "Not authenticated")
    end
    local h = cjson.decode(decode(header) or "")
    local signed = header .. "." .. payload
    ffi.C.HMAC(md, key, #key, signed, #signed, out, len)
    if not h or h.alg ~= "HS256" or decode(signature) ~= ffi.string(out, 32) then
        return refuse(401, "Could not validate credentials")
    end
    local claims = cjson.decode(decode(payload) or "")
    if not claims or type(claims.exp) ~= "number" or claims.exp <= ngx.time() then
        return refuse(401, "Could not validate credentials")
    end
    for _, role in ipairs(claims.roles or {}) do
        if allowed[role] then
            return
        end
    end
    return refuse(403, "Access Denied: Insufficient permissions")
end
