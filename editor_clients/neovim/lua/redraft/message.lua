--- One sentence for the user.
local M = {}

---@param sentence string
function M.tell(sentence)
  M._notify(sentence, vim.log.levels.INFO)
end

---@param sentence string
function M.warn(sentence)
  M._notify(sentence, vim.log.levels.WARN)
end

--- Scheduled, because answers of the server arrive where Neovim must not be touched.
---@param sentence string
---@param level integer
function M._notify(sentence, level)
  vim.schedule(function()
    vim.notify('Redraft: ' .. sentence, level)
  end)
end

return M
