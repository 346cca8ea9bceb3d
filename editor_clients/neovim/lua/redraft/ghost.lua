--- Suggestions as ghost text, drawn by this plugin: for Neovim 0.11, which has nothing of the kind, and for suggestions
--- that were asked for. Knows nothing of mappings, commands or Neovim's own inline completion.
local server = require('redraft.server')

local M = {}

require('redraft.highlights')

local namespace = vim.api.nvim_create_namespace('redraft.ghost')

local invoked, automatic = 1, 2

--- A suggestion for a line: what it replaces begins at a byte, and ends before the text `tail` at the line's end.
---@class redraft.GhostItem
---@field text string
---@field row integer
---@field first integer
---@field tail string

---@class redraft.Ghost
---@field items redraft.GhostItem[]
---@field index integer
---@field was_asked boolean

--- A suggestion as it fits the line now.
---@class redraft.Rest
---@field row integer
---@field first integer byte where the text it replaces begins
---@field cursor integer
---@field last integer the byte behind the text it replaces
---@field whole string the text that replaces
---@field text string what of it is not there yet

---@class redraft.GhostBuffer
---@field client_id integer
---@field is_automatic fun(): boolean whether suggestions are to come by themselves
---@field on_dismiss fun() called when suggestions that were asked for are gone
---@field debounce integer
---@field ghost redraft.Ghost?
---@field asks boolean whether somebody has asked and is waiting
---@field cancel fun()
---@field timer uv.uv_timer_t
---@field request table? the newest request
---@field seen string where the cursor was when we looked last

---@type table<integer, redraft.GhostBuffer?>
local buffers = {}

---@param buffer redraft.GhostBuffer
local function stop_waiting(buffer)
  buffer.timer:stop()
  buffer.request = nil
  buffer.asks = false
  local cancel = buffer.cancel
  buffer.cancel = function() end
  cancel()
end

--- Where the cursor is, in which text.
---@param bufnr integer
---@return string
local function place(bufnr)
  local cursor = vim.api.nvim_win_get_cursor(0)
  return ('%d:%d:%d'):format(vim.api.nvim_buf_get_changedtick(bufnr), cursor[1], cursor[2])
end

---@return boolean
local function is_inserting()
  return vim.api.nvim_get_mode().mode:sub(1, 1) == 'i'
end

--- What is left of the current suggestion at the cursor; nil if it does not fit any more.
---@param bufnr integer
---@return redraft.Rest?
local function rest_of(bufnr)
  local buffer = buffers[bufnr]
  local ghost = buffer and buffer.ghost
  if not buffer or not ghost or bufnr ~= vim.api.nvim_get_current_buf() then
    return nil
  end
  local client = vim.lsp.get_client_by_id(buffer.client_id)
  local item = ghost.items[ghost.index]
  local cursor = vim.api.nvim_win_get_cursor(0)
  local row, column = cursor[1] - 1, cursor[2]
  if not client or item.row ~= row then
    return nil
  end
  local line = vim.api.nvim_get_current_line()
  local typed = line:sub(item.first + 1, column)
  if column < item.first or not vim.startswith(item.text, typed) then
    return nil
  end
  -- What stood behind the suggestion has to stand there still.
  local last = #line - #item.tail
  if last < column or line:sub(last + 1) ~= item.tail then
    return nil
  end
  local text = item.text:sub(#typed + 1)
  if text == '' then
    return nil
  end
  return { row = row, first = item.first, cursor = column, last = last, whole = item.text, text = text }
end

---@param bufnr integer
local function clear(bufnr)
  if vim.api.nvim_buf_is_valid(bufnr) then
    vim.api.nvim_buf_clear_namespace(bufnr, namespace, 0, -1)
  end
end

---@param text string
---@return string
local function untabbed(text)
  return (text:gsub('\t', (' '):rep(vim.bo.tabstop)))
end

---@param bufnr integer
---@param rest redraft.Rest
local function draw(bufnr, rest)
  clear(bufnr)
  local ghost = assert(buffers[bufnr]).ghost --[[@as redraft.Ghost]]
  local line = vim.api.nvim_get_current_line()
  local lines = vim.split(untabbed(rest.text), '\n', { plain = true })
  local replaced, tail = line:sub(rest.cursor + 1, rest.last), line:sub(rest.last + 1)
  local is_overlay = false
  if #lines == 1 and replaced ~= '' and vim.endswith(lines[1], replaced) then
    -- What would be replaced is what the suggestion ends with, so it can stay.
    lines[1] = lines[1]:sub(1, -1 - #replaced)
  elseif replaced ~= '' or (#lines > 1 and tail ~= '') then
    is_overlay = true
  end
  local first = { { lines[1], 'RedraftGhost' } }
  if is_overlay then
    local behind = #lines == 1 and tail or ''
    first[2] = { untabbed(behind), 'Normal' }
    local width = vim.fn.strdisplaywidth(lines[1] .. behind)
    first[3] = { (' '):rep(vim.fn.strdisplaywidth(replaced .. tail) - width), 'Normal' }
  end
  local below = {} ---@type [string, string][][]
  for number = 2, #lines do
    below[#below + 1] = { { lines[number] == '' and ' ' or lines[number], 'RedraftGhost' } }
  end
  if #lines > 1 and is_overlay then
    table.insert(below[#below], { untabbed(tail), 'Normal' })
  end
  if #ghost.items > 1 then
    local chunks = #below > 0 and below[#below] or first
    table.insert(chunks, { (' (%d/%d)'):format(ghost.index, #ghost.items), 'RedraftGhostHint' })
  end
  vim.api.nvim_buf_set_extmark(bufnr, namespace, rest.row, rest.cursor, {
    virt_text = first,
    virt_text_pos = is_overlay and 'overlay' or 'inline',
    virt_lines = #below > 0 and below or nil,
    hl_mode = 'combine',
    priority = 300,
    strict = false,
  })
end

--- Take the suggestion away.
---@param bufnr integer
function M.dismiss(bufnr)
  local buffer = buffers[bufnr]
  if not buffer then
    return
  end
  local was_asked = M.was_asked(bufnr)
  stop_waiting(buffer)
  clear(bufnr)
  buffer.ghost = nil
  if was_asked then
    buffer.on_dismiss()
  end
end

--- Whether an entry of the popup menu is selected: then its text is in the buffer, and a suggestion would be in the way.
---@return boolean
local function is_choosing()
  return vim.fn.pumvisible() == 1 and vim.fn.complete_info({ 'selected' }).selected ~= -1
end

---@param bufnr integer
---@param result lsp.InlineCompletionList|lsp.InlineCompletionItem[]|nil
---@param was_asked boolean
local function take(bufnr, result, was_asked)
  local buffer = assert(buffers[bufnr])
  buffer.asks = false
  local client = vim.lsp.get_client_by_id(buffer.client_id)
  if not client or not is_inserting() or bufnr ~= vim.api.nvim_get_current_buf() then
    return
  end
  local items = {}
  for _, item in ipairs(result and (result.items or result) or {}) do
    if type(item.insertText) == 'string' and item.range then
      local row = item.range.start.line
      local line = vim.api.nvim_buf_get_lines(bufnr, row, row + 1, false)[1] or ''
      local first = vim.str_byteindex(line, client.offset_encoding, item.range.start.character, false)
      local last = vim.str_byteindex(line, client.offset_encoding, item.range['end'].character, false)
      items[#items + 1] = {
        text = item.insertText:gsub('\r\n?', '\n'),
        row = row,
        first = first,
        tail = line:sub(last + 1),
      }
    end
  end
  clear(bufnr)
  buffer.ghost = #items > 0 and { items = items, index = 1, was_asked = was_asked } or nil
  local rest = rest_of(bufnr)
  if rest and not is_choosing() then
    draw(bufnr, rest)
  elseif not rest then
    buffer.ghost = nil
    if was_asked then
      require('redraft.message').tell('there is no suggestion for this place.')
      buffer.on_dismiss()
    end
  end
end

---@param bufnr integer
---@param kind integer
local function request(bufnr, kind)
  local buffer = buffers[bufnr]
  local client = buffer and vim.lsp.get_client_by_id(buffer.client_id)
  if not buffer or not client or bufnr ~= vim.api.nvim_get_current_buf() then
    return
  end
  stop_waiting(buffer)
  buffer.asks = kind == invoked
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding) --[[@as table]]
  params.context = { triggerKind = kind }
  local this = {}
  buffer.request = this
  buffer.cancel = server.request(client, bufnr, 'textDocument/inlineCompletion', params, function(result, err)
    -- Of an answer that was not waited for any more, nothing is known.
    if buffers[bufnr] ~= buffer or buffer.request ~= this then
      return
    end
    if err or not result or result == vim.NIL then
      result = nil
    end
    take(bufnr, result, kind == invoked)
  end)
end

--- Look at the cursor again: keep the suggestion, or have another one asked for.
---@param bufnr integer
local function refresh(bufnr)
  local buffer = buffers[bufnr]
  if not buffer or not is_inserting() then
    return
  end
  local seen = place(bufnr)
  if is_choosing() then
    clear(bufnr)
    stop_waiting(buffer)
    buffer.seen = ''
    return
  end
  if seen == buffer.seen then
    return
  end
  buffer.seen = seen
  local rest = rest_of(bufnr)
  if rest then
    draw(bufnr, rest)
    return
  end
  M.dismiss(bufnr)
  if buffer.is_automatic() then
    buffer.timer:start(
      buffer.debounce,
      0,
      vim.schedule_wrap(function()
        if is_inserting() and buffers[bufnr] == buffer and buffer.is_automatic() then
          request(bufnr, automatic)
        end
      end)
    )
  end
end

--- Follow the cursor in a buffer.
---@param bufnr integer
---@param options { client_id: integer, debounce: integer, is_automatic: (fun(): boolean), on_dismiss: fun() }
function M.attach(bufnr, options)
  M.detach(bufnr)
  buffers[bufnr] = {
    client_id = options.client_id,
    is_automatic = options.is_automatic,
    on_dismiss = options.on_dismiss,
    debounce = options.debounce,
    asks = false,
    cancel = function() end,
    timer = assert(vim.uv.new_timer()),
    seen = '',
  }
  local group = vim.api.nvim_create_augroup('redraft.ghost.' .. bufnr, {})
  vim.api.nvim_create_autocmd(
    { 'InsertEnter', 'TextChangedI', 'TextChangedP', 'CursorMovedI', 'CompleteChanged' },
    {
      group = group,
      buffer = bufnr,
      callback = function(event)
        -- In these two events Neovim is not yet where it will be, or must not be touched.
        if event.event == 'InsertEnter' or event.event == 'CompleteChanged' then
          vim.schedule(function()
            refresh(bufnr)
          end)
        else
          refresh(bufnr)
        end
      end,
    }
  )
  vim.api.nvim_create_autocmd({ 'InsertLeave', 'BufLeave' }, {
    group = group,
    buffer = bufnr,
    callback = function()
      M.dismiss(bufnr)
      local buffer = buffers[bufnr]
      if buffer then
        buffer.seen = ''
      end
    end,
  })
  vim.api.nvim_create_autocmd({ 'BufUnload' }, {
    group = group,
    buffer = bufnr,
    callback = function()
      M.detach(bufnr)
    end,
  })
  vim.api.nvim_create_autocmd('LspDetach', {
    group = group,
    buffer = bufnr,
    callback = function(event)
      if event.data.client_id == options.client_id then
        M.detach(bufnr)
      end
    end,
  })
  -- Somebody may have begun to type before the server was there.
  if bufnr == vim.api.nvim_get_current_buf() then
    refresh(bufnr)
  end
end

--- Leave a buffer alone.
---@param bufnr integer
function M.detach(bufnr)
  local buffer = buffers[bufnr]
  if buffer then
    stop_waiting(buffer)
    buffer.timer:close()
    buffers[bufnr] = nil
    clear(bufnr)
    pcall(vim.api.nvim_del_augroup_by_name, 'redraft.ghost.' .. bufnr)
  end
end

--- Ask for suggestions at the cursor.
---@param bufnr integer
function M.ask(bufnr)
  local buffer = buffers[bufnr]
  if buffer then
    M.dismiss(bufnr)
    buffer.seen = place(bufnr)
    request(bufnr, invoked)
  end
end

--- Whether a suggestion is shown.
---@param bufnr integer
---@return boolean
function M.is_shown(bufnr)
  return is_inserting() and not is_choosing() and rest_of(bufnr) ~= nil
end

--- Whether suggestions that were asked for are shown, or waited for.
---@param bufnr integer
---@return boolean
function M.was_asked(bufnr)
  local buffer = buffers[bufnr]
  return buffer ~= nil and (buffer.asks or (buffer.ghost ~= nil and buffer.ghost.was_asked))
end

--- Show another suggestion.
---@param bufnr integer
---@param step integer
function M.cycle(bufnr, step)
  local buffer = buffers[bufnr]
  if not buffer or not buffer.ghost then
    return
  end
  local ghost = buffer.ghost
  local index = ghost.index
  -- Those that do not begin with what was typed meanwhile are passed over.
  for _ = 1, #ghost.items do
    ghost.index = (ghost.index - 1 + step) % #ghost.items + 1
    local rest = rest_of(bufnr)
    if rest then
      return draw(bufnr, rest)
    end
  end
  ghost.index = index
end

--- Put the suggestion, or the next piece of it, into the text.
---@param bufnr integer
---@param piece fun(text: string): string
function M.accept(bufnr, piece)
  local rest = rest_of(bufnr)
  if not rest then
    return
  end
  local text = piece(rest.text)
  local is_all = text == rest.text
  local buffer = assert(buffers[bufnr])
  local lines = vim.split(text, '\n', { plain = true })
  vim.api.nvim_buf_set_text(
    bufnr,
    rest.row,
    rest.cursor,
    rest.row,
    is_all and rest.last or rest.cursor,
    lines
  )
  local row = rest.row + #lines
  vim.api.nvim_win_set_cursor(0, { row, #lines == 1 and rest.cursor + #text or #lines[#lines] })
  if is_all then
    return M.dismiss(bufnr)
  end
  local ghost = buffer.ghost --[[@as redraft.Ghost]]
  if #lines > 1 then
    -- The suggestion goes on in another line; other suggestions do not.
    local item = ghost.items[ghost.index]
    local n_before = #rest.whole - #rest.text + #text - #lines[#lines]
    ghost.items = { { text = item.text:sub(n_before + 1), row = row - 1, first = 0, tail = item.tail } }
    ghost.index = 1
  end
  buffer.seen = ''
  refresh(bufnr)
end

return M
