-- SPDX-License-Identifier: Apache-2.0
-- Not packaged by Debian. The controller makes one for an empty list at start; it matches nothing.

local _M = {}
_M.__index = _M

function _M.new()
  return setmetatable({}, _M)
end

function _M.match()
  return false
end

return _M
