-- SPDX-License-Identifier: Apache-2.0
-- A try-lock on a shared dictionary, as the ingress controller's EWMA balancer uses it (timeout 0).

local _M = {}
_M.__index = _M

function _M.new(_, dictionary, options)
  local shared = ngx.shared[dictionary]
  if not shared then
    return nil, "no such dictionary"
  end
  return setmetatable({ shared = shared, expiry = (options or {}).exptime or 30 }, _M)
end

function _M.lock(self, key)
  local ok, err = self.shared:add(key, true, self.expiry)
  if not ok then
    return nil, err == "exists" and "timeout" or err
  end
  self.key = key
  return 0
end

function _M.unlock(self)
  if not self.key then
    return nil, "unlocked"
  end
  self.shared:delete(self.key)
  self.key = nil
  return 1
end

return _M
