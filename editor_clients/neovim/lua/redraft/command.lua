--- `:Redraft`: one command with subcommands. Says what is wanted and leaves the doing to others.
local message = require('redraft.message')

local M = {}

local rewrites = 'refactor.rewrite.redraft.'

--- What a checkpoint may have learnt to do with a selection, besides repairing it.
local actions = { 'types', 'idiom', 'names', 'docs' }

---@class redraft.Subcommand
---@field run fun(arguments: string[], command: vim.api.keyset.create_user_command.command_args)
---@field takes? string[] what may follow
---@field has_range? boolean

---@param command vim.api.keyset.create_user_command.command_args
---@return { first: integer, last: integer }?
local function rows(command)
  return command.range > 0 and { first = command.line1 - 1, last = command.line2 - 1 } or nil
end

---@param request redraft.RewriteRequest
local function start(request)
  require('redraft.rewrite').start(vim.api.nvim_get_current_buf(), request)
end

--- Whether the server's checkpoint has learnt an action.
---@param client vim.lsp.Client
---@param action string
---@return boolean
local function has_learnt(client, action)
  local provider = client.server_capabilities.codeActionProvider
  local kinds = type(provider) == 'table' and provider.codeActionKinds or {}
  return vim.list_contains(kinds, rewrites .. action)
end

---@param client vim.lsp.Client
---@return string[]
local function learnt(client)
  return vim.tbl_filter(function(action)
    return has_learnt(client, action)
  end, vim.list_extend({ 'repair' }, actions))
end

---@type table<string, redraft.Subcommand>
local subcommands = {
  repair = {
    has_range = true,
    run = function(_, command)
      local range = rows(command)
      if range then
        return start({
          kind = rewrites .. 'repair',
          rows = range,
          nothing = 'there is nothing to repair in these lines.',
        })
      end
      local row = vim.api.nvim_win_get_cursor(0)[1] - 1
      start({
        kind = 'quickfix.redraft',
        rows = { first = row, last = row },
        nothing = 'there is nothing to repair at the cursor; :Redraft file looks at the whole file.',
      })
    end,
  },
  file = {
    run = function()
      start({ kind = 'source.fixAll.redraft', nothing = 'this file has no syntax errors.' })
    end,
  },
  again = {
    run = function()
      require('redraft.rewrite').again(vim.api.nvim_get_current_buf())
    end,
  },
  accept = {
    run = function()
      require('redraft.rewrite').accept()
    end,
  },
  reject = {
    run = function()
      require('redraft.rewrite').reject()
    end,
  },
  undo = {
    run = function()
      require('redraft.rewrite').undo(vim.api.nvim_get_current_buf())
    end,
  },
  complete = {
    run = function()
      require('redraft.inline').ask()
    end,
  },
  toggle = {
    takes = { 'buffer' },
    run = function(arguments)
      local is_here = arguments[1] == 'buffer'
      local is_on = require('redraft.inline').toggle(is_here and vim.api.nvim_get_current_buf() or nil)
      local where = is_here and 'in this buffer' or 'everywhere'
      message.tell(('suggestions are %s %s.'):format(is_on and 'on' or 'off', where))
    end,
  },
  snooze = {
    takes = { '10', '30', '60' },
    run = function(arguments)
      local minutes = tonumber(arguments[1] or 10)
      if not minutes or minutes <= 0 or minutes > 24 * 60 then
        return message.warn('snooze takes a number of minutes, at most a day.')
      end
      M._snooze('redraft.snooze', { minutes }, minutes)
    end,
  },
  unsnooze = {
    run = function()
      M._snooze('redraft.unsnooze', nil, 0)
    end,
  },
  status = {
    run = function()
      message.tell(require('redraft.status').sentence(vim.api.nvim_get_current_buf()))
    end,
  },
  restart = {
    run = function()
      require('redraft.server').restart()
    end,
  },
  stop = {
    run = function()
      require('redraft.server').stop()
    end,
  },
  log = {
    run = function()
      require('redraft.server').show_log()
    end,
  },
}

for _, action in ipairs(actions) do
  subcommands[action] = {
    has_range = true,
    run = function(_, command)
      local client = require('redraft.server').client_or_reason(vim.api.nvim_get_current_buf())
      if not client then
        return
      end
      if not has_learnt(client, action) then
        local known = table.concat(learnt(client), ', ')
        return message.warn(
          ('the checkpoint has not learnt “%s”; it has learnt: %s.'):format(action, known)
        )
      end
      start({
        kind = rewrites .. action,
        rows = rows(command) or { first = 0, last = vim.api.nvim_buf_line_count(0) - 1 },
        nothing = 'there is nothing to rewrite here.',
      })
    end,
  }
end

--- Have all sessions of this Neovim be quiet, or not any more.
---@param name string
---@param arguments any[]?
---@param minutes number
function M._snooze(name, arguments, minutes)
  local bufnr = vim.api.nvim_get_current_buf()
  local server = require('redraft.server')
  local client = server.client_or_reason(bufnr)
  if not client then
    return
  end
  require('redraft.ghost').dismiss(bufnr)
  local params = { command = name, arguments = arguments }
  server.request(client, bufnr, 'workspace/executeCommand', params, function(_, err)
    if err then
      return message.warn(err.message)
    end
    require('redraft.status').snooze(math.floor(minutes * 60000))
    message.tell(minutes > 0 and ('no suggestions for %d min.'):format(minutes) or 'suggestions are back.')
  end)
end

---@param command vim.api.keyset.create_user_command.command_args
function M.run(command)
  local name = command.fargs[1]
  local names = table.concat(vim.fn.sort(vim.tbl_keys(subcommands)), ', ')
  if not name then
    return message.tell('say what to do: ' .. names .. '.')
  end
  local subcommand = subcommands[name]
  if not subcommand then
    return message.warn(('there is no “%s”; there are %s.'):format(name, names))
  end
  if command.range > 0 and not subcommand.has_range then
    return message.warn(('“%s” takes no range.'):format(name))
  end
  local arguments = vim.list_slice(command.fargs, 2)
  if #arguments > (subcommand.takes and 1 or 0) then
    return message.warn(
      ('“%s” takes %s.'):format(name, subcommand.takes and 'one word' or 'nothing more')
    )
  end
  if name == 'toggle' and arguments[1] and arguments[1] ~= 'buffer' then
    return message.warn('“toggle” takes “buffer” or nothing.')
  end
  subcommand.run(arguments, command)
end

--- What can stand at the cursor in the command line.
---@param lead string
---@param line string
---@return string[]
function M.complete(lead, line)
  local words = vim.split(vim.trim(line:gsub('^.-Redraft', '', 1)), '%s+', { trimempty = true })
  local candidates ---@type string[]
  if #words == 0 or (#words == 1 and lead ~= '') then
    local client = require('redraft.server').client(vim.api.nvim_get_current_buf())
    candidates = vim.tbl_filter(function(name)
      return not client or not vim.list_contains(actions, name) or has_learnt(client, name)
    end, vim.fn.sort(vim.tbl_keys(subcommands)))
  else
    candidates = subcommands[words[1]] and subcommands[words[1]].takes or {}
  end
  return vim.tbl_filter(function(candidate)
    return vim.startswith(candidate, lead)
  end, candidates)
end

return M
