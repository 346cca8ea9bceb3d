--- Highlight groups; a colour scheme or the user may define them otherwise.
local M = {}

local links = {
  RedraftAdded = 'DiffAdd',
  RedraftRemoved = 'DiffDelete',
  RedraftRegion = 'CursorLine',
  RedraftCanvas = 'DiffText',
  RedraftMask = 'NonText',
  RedraftHint = 'Comment',
  RedraftGhost = vim.fn.has('nvim-0.12') == 1 and 'ComplHint' or 'Comment',
  RedraftGhostHint = 'NonText',
}

--- Link every group that is not defined yet.
function M.define()
  for name, target in pairs(links) do
    vim.api.nvim_set_hl(0, name, { link = target, default = true })
  end
end

M.define()

return M
