--- What other configuration calls: accept a suggestion, and a text for the status line.
local M = {}

--- Accept the suggestion at the cursor. Can be called from a mapping with `expr`.
---@param part? 'all'|'word'|'line' how much of it
---@return boolean is_there whether there was one; if not, the key may do what it always does
function M.accept(part)
  return require('redraft.inline').accept(part or 'all')
end

--- How Redraft is in the current buffer, in a few characters; empty where it is not at work.
---@param bufnr? integer
---@return string
function M.status(bufnr)
  return require('redraft.status').text(bufnr or vim.api.nvim_get_current_buf())
end

return M
