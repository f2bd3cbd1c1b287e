-- SPDX-License-Identifier: Apache-2.0
-- Round robin over nodes (id -> weight) for the ingress controller's balancer; weights count as whole
-- turns. Debian packages no such module. Each worker begins at a place of its own.

local _M = {}
_M.__index = _M

local function turns(nodes)
  local list = {}
  for id, weight in pairs(nodes) do
    for _ = 1, weight do
      list[#list + 1] = id
    end
  end
  table.sort(list)
  return list
end

function _M.new(_, nodes)
  local self = setmetatable({}, _M)
  self:reinit(nodes)
  return self
end

function _M.reinit(self, nodes)
  self.nodes = {}
  for id, weight in pairs(nodes) do
    self.nodes[id] = weight
  end
  self.list = turns(self.nodes)
  self.last = #self.list > 0 and math.random(#self.list) or 0
end

function _M.set(self, id, weight)
  self.nodes[id] = weight
  self:reinit(self.nodes)
end

function _M.find(self)
  if #self.list == 0 then
    return nil, "no nodes"
  end
  self.last = self.last % #self.list + 1
  return self.list[self.last]
end

return _M
