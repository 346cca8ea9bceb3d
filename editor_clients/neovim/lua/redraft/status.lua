--- How Redraft is, in a few characters for a status line. Cheap: nothing is asked when the text is wanted.
local M = {}

---@class redraft.ServerStatus
---@field health 'ok'|'warning'|'error'
---@field quiescent boolean
---@field message? string

---@type table<integer, redraft.ServerStatus>
local statuses = {}

--- What a rewrite of a buffer is about to do.
---@type table<integer, string>
local activities = {}

--- Whether suggestions were snoozed, and until when.
---@type integer
local snoozed_until = 0

--- Announce that a status line drawn so far is out of date.
local function announce()
  vim.schedule(function()
    vim.api.nvim_exec_autocmds('User', { pattern = 'RedraftStatus', modeline = false })
    vim.cmd.redrawstatus({ bang = true })
  end)
end

---@param client_id integer
---@param status redraft.ServerStatus
function M.on_status(client_id, status)
  statuses[client_id] = status
  announce()
end

---@param client_id integer
function M.forget(client_id)
  statuses[client_id] = nil
  announce()
end

--- Say what is going on in a buffer; nil: nothing.
---@param bufnr integer
---@param activity? string
function M.set_activity(bufnr, activity)
  if activities[bufnr] ~= activity then
    activities[bufnr] = activity
    announce()
  end
end

---@param milliseconds integer
function M.snooze(milliseconds)
  snoozed_until = vim.uv.now() + milliseconds
  announce()
end

--- The text for a status line.
---@param bufnr integer
---@return string
function M.text(bufnr)
  if activities[bufnr] then
    return 'Redraft ' .. activities[bufnr]
  end
  local client = require('redraft.server').client(bufnr)
  if not client then
    return ''
  end
  local status = statuses[client.id]
  if status and status.health ~= 'ok' then
    return 'Redraft !'
  end
  if not require('redraft.inline').is_on(bufnr) then
    return 'Redraft off'
  end
  if vim.uv.now() < snoozed_until then
    return 'Redraft zz'
  end
  return status and not status.quiescent and 'Redraft …' or 'Redraft'
end

--- The same as a sentence.
---@param bufnr integer
---@return string
function M.sentence(bufnr)
  local client = require('redraft.server').client(bufnr)
  if not client then
    return 'no server is at work in this buffer.'
  end
  local version = client.server_info and client.server_info.version or '?'
  local words = { ('server %s is connected'):format(version) }
  local status = statuses[client.id]
  if status and status.message and status.message ~= vim.NIL then
    words[#words + 1] = status.message:gsub('%.$', '')
  elseif status then
    words[#words + 1] = status.quiescent and 'nothing is being worked on' or 'working'
  end
  if not require('redraft.inline').is_on(bufnr) then
    words[#words + 1] = 'suggestions are switched off'
  elseif vim.uv.now() < snoozed_until then
    local minutes = math.ceil((snoozed_until - vim.uv.now()) / 60000)
    words[#words + 1] = ('no suggestions for another %d min'):format(minutes)
  end
  return table.concat(words, '; ') .. '.'
end

return M
