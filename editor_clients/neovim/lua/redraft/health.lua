--- `:checkhealth redraft`: whether everything that is needed is there and works.
local M = {}

local health = vim.health

local patience_ms = 10000

--- Plugins that show suggestions of their own, by a module or a global variable of theirs.
local rivals = {
  ['copilot.lua'] = { module = 'copilot' },
  ['copilot.vim'] = { variable = 'loaded_copilot' },
  ['codeium.nvim'] = { module = 'codeium' },
  ['llama.vim'] = { variable = 'loaded_llama' },
  ['llm.nvim'] = { module = 'llm' },
  ['minuet-ai.nvim'] = { module = 'minuet' },
  ['supermaven-nvim'] = { module = 'supermaven-nvim' },
  ['tabnine-nvim'] = { module = 'tabnine' },
}

---@param command string[]
---@return string? stdout
---@return string? reason
local function output_of(command)
  local is_started, result = pcall(function()
    return vim.system(command, { text = true }):wait(patience_ms)
  end)
  if not is_started then
    return nil, tostring(result)
  end
  if result.code ~= 0 and result.stdout == '' then
    return nil, vim.trim(result.stderr)
  end
  return vim.trim(result.stdout)
end

local function check_neovim()
  local version = tostring(vim.version())
  if vim.fn.has('nvim-0.11') == 0 then
    health.error('Neovim ' .. version .. ' is too old.', { 'Redraft needs Neovim 0.11 or newer.' })
  elseif vim.lsp.inline_completion then
    health.ok('Neovim ' .. version .. ', which shows suggestions itself')
  else
    health.ok('Neovim ' .. version .. '; this plugin shows the suggestions')
  end
end

local function check_options()
  local _, complaints = require('redraft.config').checked()
  if #complaints == 0 then
    health.ok('vim.g.redraft is valid')
  end
  for _, complaint in ipairs(complaints) do
    health.error(complaint, { 'The default is used until then; see :help redraft-options.' })
  end
end

---@return string? program if it works
local function check_program()
  local cmd = vim.lsp.config.redraft.cmd
  if type(cmd) ~= 'table' then
    health.info('The server is started by a function.')
    return nil
  end
  if vim.fn.executable(cmd[1]) == 0 then
    health.error(('The command “%s” cannot be found.'):format(cmd[1]), {
      'Install Redraft (pip install), or name the command: vim.g.redraft = { cmd = { "/path/to/redraft", "lsp" } }',
    })
    return nil
  end
  -- Only the command line of Redraft has anything else to say than a server.
  if vim.fs.basename(cmd[1]):gsub('%.exe$', '') ~= 'redraft' then
    health.info('The server is started with: ' .. table.concat(cmd, ' '))
    return nil
  end
  local version, reason = output_of({ cmd[1], '--version' })
  if not version then
    health.error(
      ('“%s --version” failed: %s'):format(cmd[1], reason),
      { 'Try “redraft doctor” in a terminal.' }
    )
    return nil
  end
  health.ok(('%s: %s'):format(vim.fn.exepath(cmd[1]), version))
  return cmd[1]
end

---@param status table what `redraft status --json` prints of a daemon
local function describe(status)
  health.ok(
    ('daemon %s, process %d, %d editors connected'):format(status.version, status.pid, #status.connections)
  )
  local model = status.model
  local name = model.checkpoint ~= vim.NIL and model.checkpoint or nil
  if name and model.base and model.base ~= vim.NIL then
    name = ('%s with %s'):format(name, model.base)
  end
  if model.message and model.message ~= vim.NIL then
    health.warn(('model: %s: %s'):format(model.state, model.message), { 'See :Redraft log.' })
  elseif name then
    health.ok(('model: %s on %s, %s'):format(name, model.device, model.state))
  else
    health.ok(('model: %s; it is loaded when it is needed'):format(model.state))
  end
end

---@param program string?
local function check_server(program)
  local clients = vim.lsp.get_clients({ name = 'redraft' })
  local client = clients[1]
  for _, one in ipairs(clients) do
    local info = one.server_info or {}
    local n_buffers = vim.tbl_count(one.attached_buffers)
    health.ok(('server %s is connected, %d buffers'):format(info.version or '?', n_buffers))
  end
  if not client then
    health.info('No Python file is open, or the server is stopped, so none is connected.')
  end
  local status = client
    and client:request_sync('redraft/status', nil, patience_ms, next(client.attached_buffers) or 1)
  if status and status.result and status.result ~= vim.NIL then
    return describe(status.result)
  end
  local text = program and output_of({ program, 'status', '--json' })
  local is_json, daemons = pcall(vim.json.decode, text or '')
  if is_json and daemons[1] then
    describe(daemons[1])
  elseif client then
    health.info('The server serves this editor alone; there is no daemon.')
  else
    health.info('No daemon is running; the first Python file starts one.')
  end
end

local function check_rivals()
  local found = {} ---@type string[]
  for name, traces in vim.spairs(rivals) do
    if (traces.module and package.loaded[traces.module]) or (traces.variable and vim.g[traces.variable]) then
      found[#found + 1] = name
    end
  end
  for _, client in ipairs(vim.lsp.get_clients({ method = 'textDocument/inlineCompletion' })) do
    if client.name ~= 'redraft' then
      found[#found + 1] = client.name
    end
  end
  if #found == 0 then
    health.ok('nobody else suggests text at the cursor')
  else
    health.warn('Suggestions also come from: ' .. table.concat(found, ', '), {
      'Two of them at one place are hard to read; switch one off, Redraft’s with vim.g.redraft = { inline = false }.',
    })
  end
end

function M.check()
  health.start('Redraft')
  check_neovim()
  if vim.fn.has('nvim-0.11') == 0 then
    return
  end
  check_options()
  local program = check_program()
  check_server(program)
  check_rivals()
end

return M
