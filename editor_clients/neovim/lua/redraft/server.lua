--- The language server as Neovim's client sees it: is it there, what can be asked, and what if it dies.
local config = require('redraft.config')
local message = require('redraft.message')

local M = {}

local max_restarts = 3
local restart_window_ms = 3 * 60 * 1000
local restart_delay_ms = 300

--- Times of the last restarts.
---@type integer[]
local restarts = {}

--- Clients that were there once: one that was not will not be there the next time either.
---@type table<integer, true>
local initialized = {}

--- Clients that are stopped on purpose.
---@type table<integer, true>
local leaving = {}

---@type boolean
local has_given_up = false

---@type table<integer, table<fun(), true>>
local at_loss = {}

--- Have the server started for every Python file, now and later, if the user wants that.
function M.start()
  if not config.get().enable then
    return
  end
  local function enable()
    vim.lsp.enable('redraft')
    -- Neovim says nothing about a command that it cannot find.
    M.can_start()
  end
  if vim.v.vim_did_enter == 1 then
    vim.schedule(enable)
  else
    vim.api.nvim_create_autocmd('VimEnter', { once = true, callback = enable })
  end
end

--- Whether the command of the server can be found; says so once if not.
---@return boolean
function M.can_start()
  if has_given_up then
    return false
  end
  local cmd = vim.lsp.config.redraft.cmd
  if type(cmd) ~= 'table' or vim.fn.executable(cmd[1]) == 1 then
    return true
  end
  has_given_up = true
  message.warn(
    ('the command “%s” cannot be found; install Redraft or set vim.g.redraft.cmd, then :Redraft restart.'):format(
      cmd[1]
    )
  )
  return false
end

--- The client of a buffer.
---@param bufnr integer
---@return vim.lsp.Client?
function M.client(bufnr)
  return vim.lsp.get_clients({ name = 'redraft', bufnr = bufnr })[1]
end

--- The client of a buffer; if there is none, a message says why.
---@param bufnr integer
---@return vim.lsp.Client?
function M.client_or_reason(bufnr)
  local client = M.client(bufnr)
  if client then
    return client
  end
  if vim.bo[bufnr].filetype ~= 'python' then
    message.warn('this is no Python file.')
  elseif has_given_up then
    message.warn('the server is not running; :checkhealth redraft says why, :Redraft restart tries again.')
  elseif not vim.lsp.is_enabled('redraft') then
    message.warn('the server is stopped; :Redraft restart starts it.')
  else
    message.warn('the server is not there yet; try again in a moment.')
  end
end

--- Ask the server something. `answered` is called once: with the answer, with an error, or, if the server is lost or the
--- question is cancelled, with neither.
---@param client vim.lsp.Client
---@param bufnr integer
---@param method string
---@param params table
---@param answered fun(result: any, err: lsp.ResponseError?)
---@return fun() cancel
function M.request(client, bufnr, method, params, answered)
  local is_over = false
  local waiting = at_loss[client.id] or {}
  at_loss[client.id] = waiting

  ---@type fun()
  local lose
  local function finish(result, err)
    if not is_over then
      is_over = true
      waiting[lose] = nil
      answered(result, err)
    end
  end
  lose = function()
    finish(nil, nil)
  end
  waiting[lose] = true

  local is_sent, id = client:request(method, params, function(err, result)
    finish(result, err)
  end, bufnr)
  if not is_sent then
    vim.schedule(lose)
  end
  return function()
    if not is_over then
      if is_sent and id then
        client:cancel_request(id)
      end
      lose()
    end
  end
end

--- Stop the server and, after that, call `stopped`.
---@param stopped? fun()
function M.stop(stopped)
  local clients = vim.lsp.get_clients({ name = 'redraft' })
  for _, client in ipairs(clients) do
    leaving[client.id] = true
  end
  vim.lsp.enable('redraft', false)
  for _, client in ipairs(clients) do
    client:stop()
  end
  if not stopped then
    return
  end
  local n_looks = 0
  local function look()
    n_looks = n_looks + 1
    if #vim.lsp.get_clients({ name = 'redraft' }) == 0 then
      return stopped()
    end
    if n_looks == 40 then
      for _, client in ipairs(clients) do
        client:stop(true)
      end
    end
    vim.defer_fn(look, 50)
  end
  look()
end

--- Stop the server if it runs, and start it again for all Python files.
function M.restart()
  M.stop(function()
    has_given_up = false
    restarts = {}
    vim.lsp.enable('redraft')
    M.can_start()
  end)
end

---@param client vim.lsp.Client
function M.on_init(client)
  initialized[client.id] = true
end

--- The server has ended: as it should, or it is started again, or, if that has not helped, a message says so.
---@param code integer
---@param signal integer
---@param client_id integer
function M.on_exit(code, signal, client_id)
  local was_there, is_wanted = initialized[client_id], leaving[client_id]
  initialized[client_id], leaving[client_id] = nil, nil
  vim.schedule(function()
    for lose in pairs(at_loss[client_id] or {}) do
      lose()
    end
    at_loss[client_id] = nil
    require('redraft.status').forget(client_id)
    local is_fine = code == 0 and (signal == 0 or signal == 15)
    if is_wanted or is_fine or vim.v.exiting ~= vim.NIL then
      return
    end
    if was_there and M._may_restart(vim.uv.now()) then
      vim.defer_fn(function()
        if vim.lsp.is_enabled('redraft') then
          vim.lsp.enable('redraft')
        end
      end, restart_delay_ms)
    elseif not has_given_up then
      has_given_up = true
      local what = was_there and 'has ended several times' or 'could not start'
      message.warn(('the server %s; :Redraft log says why, :Redraft restart tries again.'):format(what))
    end
  end)
end

--- Whether a server that was lost is to be started once more; counts.
---@param now integer milliseconds
---@return boolean
function M._may_restart(now)
  restarts = vim.tbl_filter(function(time)
    return now - time < restart_window_ms
  end, restarts)
  if #restarts >= max_restarts then
    return false
  end
  restarts[#restarts + 1] = now
  return true
end

--- Show what the server has logged.
function M.show_log()
  local cmd = vim.lsp.config.redraft.cmd
  local program = type(cmd) == 'table' and cmd[1] or 'redraft'
  local is_there, found = pcall(function()
    return vim.system({ program, 'logs', '--lines', '1000' }, { text = true }):wait(10000)
  end)
  local lines = { '# The log of the daemon' }
  if is_there and found.code == 0 then
    vim.list_extend(lines, vim.split(vim.trim(found.stderr), '\n'))
    vim.list_extend(lines, vim.split(vim.trim(found.stdout), '\n'))
  else
    lines[#lines + 1] = is_there and vim.trim(found.stderr) or tostring(found)
  end
  local own = vim.lsp.log.get_filename()
  vim.list_extend(lines, { '', '# The log of Neovim’s client, lines about Redraft: ' .. own })
  local is_open, file = pcall(io.lines, own)
  if is_open then
    local about = {}
    for line in file do
      if line:find('redraft', 1, true) then
        about[#about + 1] = line
      end
    end
    vim.list_extend(lines, about, math.max(1, #about - 199))
  end
  local bufnr = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, lines)
  vim.bo[bufnr].bufhidden = 'wipe'
  vim.bo[bufnr].modifiable = false
  vim.api.nvim_open_win(bufnr, true, { split = 'below' })
end

return M
