--- Suggestions at the cursor, whoever shows them: Neovim's own inline completion, or `ghost.lua`. Suggestions that were
--- asked for are always shown by the latter, because Neovim has no function that asks; meanwhile its own are switched off.
local config = require('redraft.config')
local ghost = require('redraft.ghost')
local server = require('redraft.server')

local M = {}

---@type boolean?
local is_on_everywhere

--- Buffers in which Neovim's own inline completion is switched on because of us.
---@type table<integer, true?>
local switched_on = {}

--- At which byte of its line the cursor was when Neovim's newest suggestion was asked for, by buffer.
---@type table<integer, integer?>
local asked_at = {}

---@type table<integer, integer?>
local pending = {}

---@return boolean
local function is_builtin()
  return vim.lsp.inline_completion ~= nil and config.get().ghost ~= 'own'
end

--- Whether suggestions are shown while typing.
---@param bufnr integer
---@return boolean
function M.is_on(bufnr)
  if is_on_everywhere == nil then
    is_on_everywhere = config.get().inline
  end
  return is_on_everywhere and not vim.b[bufnr].redraft_disable
end

--- Whether another client suggests text in this buffer, too.
---@param bufnr integer
---@return boolean
local function has_rival(bufnr)
  local clients = vim.lsp.get_clients({ bufnr = bufnr, method = 'textDocument/inlineCompletion' })
  return vim.iter(clients):any(function(client)
    return client.name ~= 'redraft'
  end)
end

--- Have Neovim show suggestions in a buffer exactly if it should.
---@param bufnr integer
---@param is_asking? boolean whether somebody is about to ask for others
local function sync(bufnr, is_asking)
  if not is_builtin() or not vim.api.nvim_buf_is_valid(bufnr) then
    return
  end
  local is_wanted = M.is_on(bufnr) and not is_asking and not ghost.was_asked(bufnr)
  if is_wanted == vim.lsp.inline_completion.is_enabled({ bufnr = bufnr }) then
    return
  end
  if is_wanted then
    switched_on[bufnr] = true
    vim.lsp.inline_completion.enable(true, { bufnr = bufnr })
  elseif switched_on[bufnr] and not has_rival(bufnr) then
    vim.lsp.inline_completion.enable(false, { bufnr = bufnr })
  end
end

--- Begin to suggest in a buffer.
---@param bufnr integer
---@param client vim.lsp.Client
function M.attach(bufnr, client)
  ghost.attach(bufnr, {
    client_id = client.id,
    debounce = config.get().debounce,
    is_automatic = function()
      return not is_builtin() and M.is_on(bufnr)
    end,
    on_dismiss = function()
      sync(bufnr)
    end,
  })
  -- `vim.b.redraft_disable` may have been set in the meantime.
  vim.api.nvim_create_autocmd('InsertEnter', {
    group = vim.api.nvim_create_augroup('redraft.inline.' .. bufnr, {}),
    buffer = bufnr,
    callback = function()
      sync(bufnr)
    end,
  })
  vim.api.nvim_create_autocmd('LspRequest', {
    group = 'redraft.inline.' .. bufnr,
    buffer = bufnr,
    callback = function(event)
      local request, id = event.data.request, event.data.request_id
      if request.method ~= 'textDocument/inlineCompletion' or event.data.client_id ~= client.id then
        return
      end
      if request.type == 'pending' and bufnr == vim.api.nvim_get_current_buf() then
        pending[id] = vim.api.nvim_win_get_cursor(0)[2]
      elseif request.type == 'complete' then
        asked_at[bufnr], pending[id] = pending[id] or asked_at[bufnr], nil
      end
    end,
  })
  sync(bufnr)
end

--- Switch suggestions on or off, in one buffer or everywhere.
---@param bufnr integer? nil: everywhere
---@return boolean is_on
function M.toggle(bufnr)
  if bufnr then
    vim.b[bufnr].redraft_disable = not vim.b[bufnr].redraft_disable
  else
    is_on_everywhere = not (is_on_everywhere or is_on_everywhere == nil and config.get().inline)
  end
  for _, client in ipairs(vim.lsp.get_clients({ name = 'redraft' })) do
    for attached in pairs(client.attached_buffers) do
      if not M.is_on(attached) then
        ghost.dismiss(attached)
      end
      sync(attached)
    end
  end
  if bufnr then
    return M.is_on(bufnr)
  end
  return is_on_everywhere
end

--- The next piece of a suggestion.
---@type table<string, fun(text: string): string>
local pieces = {
  all = function(text)
    return text
  end,
  word = function(text)
    return text:match('^%s*[%w_\128-\255]+') or text:match('^%s*[^%w_%s]+') or text
  end,
  line = function(text)
    return text:match('^\n?[^\n]*')
  end,
}

--- What is typed now is an undo step of its own.
local function break_undo()
  vim.cmd('let &g:undolevels = &g:undolevels')
end

--- How many bytes behind the cursor Neovim's suggestion replaces. Up to 0.12.4 a suggestion keeps the range it came with
--- while the user types on, and accepting it would leave what was typed behind it; so the range is not taken at its word.
---@param last integer the byte where that range ends
---@param asked integer the byte at which the cursor was when the suggestion was asked for
---@param column integer the byte at which it is now
---@param rest string what of the suggestion is not there yet
---@param after string the text behind the cursor
---@return integer
local function n_replaced(last, asked, column, rest, after)
  for _, n in ipairs({ last - asked, last - column }) do
    local behind = after:sub(1, n)
    if
      n > 0
      and #behind == n
      and (vim.endswith(rest, behind) or vim.endswith(rest:match('^[^\n]*'), behind))
    then
      return n
    end
  end
  return 0
end

--- Put Neovim's own suggestion, or a piece of it, into the text; what is no plain text is left to Neovim.
---@param piece fun(text: string): string
---@param item table
---@return table?
local function accept_builtin(piece, item)
  break_undo()
  local text, range = item.insert_text, item.range
  if type(text) ~= 'string' or not range then
    return item
  end
  text = text:gsub('\r\n?', '\n')
  local bufnr = vim.api.nvim_get_current_buf()
  local cursor = vim.api.nvim_win_get_cursor(0)
  local row, column = cursor[1] - 1, cursor[2]
  local line = vim.api.nvim_get_current_line()
  local first_row, first, _, last = range:to_extmark()
  local typed = line:sub(first + 1, column)
  if first_row ~= row or column < first or not vim.startswith(text, typed) then
    return nil
  end
  local rest = text:sub(#typed + 1)
  local part = piece(rest)
  local n_behind = part == rest
      and n_replaced(last, asked_at[bufnr] or column, column, rest, line:sub(column + 1))
    or 0
  local lines = vim.split(part, '\n', { plain = true })
  vim.api.nvim_buf_set_text(bufnr, row, column, row, column + n_behind, lines)
  vim.api.nvim_win_set_cursor(0, { row + #lines, #lines == 1 and column + #part or #lines[#lines] })
  return nil
end

--- Accept the suggestion at the cursor, or a piece of it.
---@param part 'all'|'word'|'line'
---@return boolean is_there
function M.accept(part)
  local bufnr = vim.api.nvim_get_current_buf()
  local piece = assert(pieces[part], 'all, word or line')
  if ghost.is_shown(bufnr) then
    -- The text must not change while the mapping is evaluated.
    vim.schedule(function()
      break_undo()
      ghost.accept(bufnr, piece)
    end)
    return true
  end
  return is_builtin()
    and vim.lsp.inline_completion.get({
      bufnr = bufnr,
      on_accept = function(item)
        return accept_builtin(piece, item)
      end,
    })
end

--- Show another suggestion.
---@param step integer
function M.cycle(step)
  local bufnr = vim.api.nvim_get_current_buf()
  if ghost.is_shown(bufnr) then
    ghost.cycle(bufnr, step)
  elseif is_builtin() then
    vim.lsp.inline_completion.select({ bufnr = bufnr, count = step })
  end
end

--- Take the suggestion away.
function M.dismiss()
  local bufnr = vim.api.nvim_get_current_buf()
  ghost.dismiss(bufnr)
  if is_builtin() and vim.lsp.inline_completion.is_enabled({ bufnr = bufnr }) and not has_rival(bufnr) then
    vim.lsp.inline_completion.enable(false, { bufnr = bufnr })
    sync(bufnr)
  end
end

--- Ask for suggestions at the cursor, up to three.
function M.ask()
  local bufnr = vim.api.nvim_get_current_buf()
  if not server.client_or_reason(bufnr) then
    return
  end
  local function ask()
    -- First, because Neovim cancels whatever is asked for in this buffer when it leaves.
    ghost.dismiss(bufnr)
    sync(bufnr, true)
    ghost.ask(bufnr)
  end
  if vim.api.nvim_get_mode().mode:sub(1, 1) == 'i' then
    return ask()
  end
  vim.api.nvim_create_autocmd(
    'InsertEnter',
    { buffer = bufnr, once = true, callback = vim.schedule_wrap(ask) }
  )
  vim.cmd.startinsert()
end

return M
