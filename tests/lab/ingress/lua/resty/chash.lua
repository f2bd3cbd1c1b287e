-- SPDX-License-Identifier: Apache-2.0
-- Not packaged by Debian and not needed by the lab's routes: it can be loaded, not used.

local _M = {}

function _M.new()
  return nil, "resty.chash is not part of the lab"
end

return _M
