--- A rewrite from the request to the undo: asked for, drawn while the model works, shown as a difference, accepted or rejected.
--- The buffer changes when the user accepts and at no other time; a buffer that changes by itself drops its rewrite.
local config = require('redraft.config')
local drawing = require('redraft.drawing')
local edits = require('redraft.edits')
local message = require('redraft.message')
local server = require('redraft.server')
local status = require('redraft.status')

local M = {}

local cancelled = -32800

--- What the user asks for.
---@class redraft.RewriteRequest
---@field kind string kind of code action
---@field rows { first: integer, last: integer }? 0-based; nil: the whole buffer
---@field nothing string a sentence if there is nothing of that kind

---@class redraft.Rewrite
---@field bufnr integer
---@field client vim.lsp.Client
---@field token string
---@field tick integer the changedtick it is for
---@field region { first: integer, last: integer }
---@field step_name string what the server counts while it works
---@field cancel fun()
---@field edit lsp.WorkspaceEdit? what would be changed; there once it is shown
---@field hunks redraft.Hunk[]? the same for people

--- One for each buffer at most.
---@type table<integer, redraft.Rewrite?>
local rewrites = {}

--- What was asked for last, with an extmark that goes along with the text.
---@type table<integer, { request: redraft.RewriteRequest, mark: integer? }>
local requests = {}

--- The changedtick after the last rewrite that was accepted.
---@type table<integer, integer>
local accepted = {}

local namespace = vim.api.nvim_create_namespace('redraft.requests')

local n_tokens = 0

---@param event string
---@param bufnr integer
local function announce(event, bufnr)
  vim.api.nvim_exec_autocmds('User', { pattern = event, modeline = false, data = { buf = bufnr } })
end

--- Forget the rewrite of a buffer, whatever became of it.
---@param rewrite redraft.Rewrite
local function drop(rewrite)
  if rewrites[rewrite.bufnr] == rewrite then
    rewrites[rewrite.bufnr] = nil
    drawing.clear(rewrite.bufnr)
    status.set_activity(rewrite.bufnr, nil)
  end
end

---@param rewrite redraft.Rewrite
---@return boolean
local function is_current(rewrite)
  return rewrites[rewrite.bufnr] == rewrite and vim.api.nvim_buf_is_valid(rewrite.bufnr)
end

--- Drop `rewrite` as soon as its buffer changes.
---@param rewrite redraft.Rewrite
local function watch(rewrite)
  local function interrupted()
    if rewrites[rewrite.bufnr] ~= rewrite then
      return true -- detach
    end
    local was_shown = rewrite.edit ~= nil
    rewrites[rewrite.bufnr] = nil
    -- Nothing may be drawn or asked in the middle of a change.
    vim.schedule(function()
      rewrite.cancel()
      if not rewrites[rewrite.bufnr] then
        drawing.clear(rewrite.bufnr)
        status.set_activity(rewrite.bufnr, nil)
      end
    end)
    message.tell(
      was_shown and 'the text has changed, so the rewrite was dropped.'
        or 'the text has changed, so the rewrite was cancelled.'
    )
    return true
  end
  vim.api.nvim_buf_attach(rewrite.bufnr, false, {
    on_lines = interrupted,
    on_reload = function()
      interrupted()
    end,
    on_detach = function()
      rewrite.cancel()
      drop(rewrite)
    end,
  })
end

--- The lines `rows` as a range of the protocol, from the first character to the last.
---@param bufnr integer
---@param rows { first: integer, last: integer }
---@param encoding string
---@return lsp.Range
local function range_of(bufnr, rows, encoding)
  local line = vim.api.nvim_buf_get_lines(bufnr, rows.last, rows.last + 1, false)[1] or ''
  return {
    start = { line = rows.first, character = 0 },
    ['end'] = { line = rows.last, character = vim.str_utfindex(line, encoding) },
  }
end

---@param bufnr integer
---@return { first: integer, last: integer }
local function whole(bufnr)
  return { first = 0, last = vim.api.nvim_buf_line_count(bufnr) - 1 }
end

--- Diagnostics of all servers in some lines, as they were sent.
---@param bufnr integer
---@param rows { first: integer, last: integer }
---@return lsp.Diagnostic[]
local function diagnostics_in(bufnr, rows)
  local near = vim.tbl_filter(function(diagnostic)
    return diagnostic.lnum <= rows.last and rows.first <= (diagnostic.end_lnum or diagnostic.lnum)
  end, vim.diagnostic.get(bufnr))
  return vim.lsp.diagnostic.from(near)
end

---@param rewrite redraft.Rewrite
---@return string
local function hint_for(rewrite)
  local n_old, n_new = 0, 0
  for _, hunk in ipairs(rewrite.hunks) do
    n_old, n_new = n_old + #hunk.old, n_new + #hunk.new
  end
  local n_lines = math.max(n_old, n_new)
  local what = n_lines == 1 and 'one line changes' or ('%d lines change'):format(n_lines)
  return ('◀ %s: :Redraft accept or :Redraft reject'):format(what)
end

--- Scroll to the first change if nothing of it is to be seen.
---@param bufnr integer
---@param row integer
local function reveal(bufnr, row)
  local window = vim.fn.bufwinid(bufnr)
  if window == -1 then
    return
  end
  vim.api.nvim_win_call(window, function()
    local line = math.min(row + 1, vim.fn.line('$'))
    if line < vim.fn.line('w0') or line > vim.fn.line('w$') then
      vim.cmd("normal! m'")
      vim.api.nvim_win_set_cursor(window, { line, 0 })
      vim.cmd('normal! zz')
    end
  end)
end

---@param rewrite redraft.Rewrite
---@param result { uri: string, edit: lsp.WorkspaceEdit }
local function show(rewrite, result)
  local bufnr = rewrite.bufnr
  local text_edits = {} ---@type lsp.TextEdit[]
  for _, change in ipairs(result.edit.documentChanges or {}) do
    vim.list_extend(text_edits, change.edits)
  end
  for _, some in pairs(result.edit.changes or {}) do
    vim.list_extend(text_edits, some)
  end
  local hunks = edits.hunks(bufnr, text_edits, rewrite.client.offset_encoding)
  if #hunks == 0 then
    drop(rewrite)
    return message.tell('there is nothing to change.')
  end
  rewrite.edit, rewrite.hunks = result.edit, hunks
  drawing.difference(bufnr, hunks, hint_for(rewrite))
  reveal(bufnr, hunks[1].first)
  status.set_activity(bufnr, '?')
  announce('RedraftPreview', bufnr)
end

--- Take an answer that ends `rewrite`, unless it is one to go on with.
---@param rewrite redraft.Rewrite
---@param result any
---@param err lsp.ResponseError?
---@return boolean is_useful
local function is_useful(rewrite, result, err)
  if not is_current(rewrite) then
    return false
  end
  if result ~= nil and result ~= vim.NIL and not err then
    return true
  end
  drop(rewrite)
  if not err then
    message.warn('the server was lost while it worked; try again in a moment.')
  elseif err.code ~= cancelled then
    message.warn(err.message)
  end
  return false
end

---@param rewrite redraft.Rewrite
---@param action lsp.CodeAction
local function work(rewrite, action)
  status.set_activity(rewrite.bufnr, '…')
  rewrite.cancel = server.request(rewrite.client, rewrite.bufnr, 'workspace/executeCommand', {
    command = 'redraft.preview',
    arguments = { action.data },
    workDoneToken = rewrite.token,
  }, function(result, err)
    if is_useful(rewrite, result, err) then
      show(rewrite, result)
    end
  end)
end

--- What the server counts while it carries out an action of a kind. A repair is a search; any other rewrite searches or
--- denoises, which only the server knows.
---@param kind string
---@return string
local function step_name(kind)
  local is_other = vim.startswith(kind, 'refactor.rewrite.redraft.') and not vim.endswith(kind, '.repair')
  return is_other and 'step' or 'search round'
end

--- Have something rewritten. Another rewrite of the same buffer is given up for it.
---@param bufnr integer
---@param request redraft.RewriteRequest
function M.start(bufnr, request)
  local client = server.client_or_reason(bufnr)
  if not client then
    return
  end
  M.reject(bufnr, true)
  n_tokens = n_tokens + 1
  local rows = request.rows or whole(bufnr)
  ---@type redraft.Rewrite
  local rewrite = {
    bufnr = bufnr,
    client = client,
    token = ('redraft-%d-%d'):format(vim.fn.getpid(), n_tokens),
    tick = vim.api.nvim_buf_get_changedtick(bufnr),
    region = rows,
    step_name = step_name(request.kind),
    cancel = function() end,
  }
  rewrites[bufnr] = rewrite
  local old = requests[bufnr]
  if old and old.mark then
    vim.api.nvim_buf_del_extmark(bufnr, namespace, old.mark)
  end
  requests[bufnr] = {
    request = request,
    mark = request.rows and vim.api.nvim_buf_set_extmark(bufnr, namespace, rows.first, 0, {
      end_row = rows.last,
      end_col = 0,
      right_gravity = false,
    }),
  }
  watch(rewrite)
  rewrite.cancel = server.request(client, bufnr, 'textDocument/codeAction', {
    textDocument = vim.lsp.util.make_text_document_params(bufnr),
    range = range_of(bufnr, rows, client.offset_encoding),
    context = {
      diagnostics = diagnostics_in(bufnr, rows),
      only = { request.kind },
      triggerKind = vim.lsp.protocol.CodeActionTriggerKind.Invoked,
    },
  }, function(result, err)
    -- No answer is an answer, too: the server has nothing to say about this file.
    if not err and result == nil and not client:is_stopped() then
      result = {}
    end
    if not is_useful(rewrite, result, err) then
      return
    end
    local action = result[1] ---@type lsp.CodeAction?
    if action and not action.disabled then
      return work(rewrite, action)
    end
    drop(rewrite)
    message.tell(action and action.disabled.reason or request.nothing)
  end)
end

--- Have the same done again, where the text of that time is now.
---@param bufnr integer
function M.again(bufnr)
  local last = requests[bufnr]
  if not last then
    return message.tell('nothing has been rewritten in this buffer yet.')
  end
  local request = last.request
  if last.mark then
    local mark = vim.api.nvim_buf_get_extmark_by_id(bufnr, namespace, last.mark, { details = true })
    if mark[1] then
      request = vim.tbl_extend('force', request, { rows = { first = mark[1], last = mark[3].end_row } })
    end
  end
  M.start(bufnr, request)
end

--- Draw the text of a running rewrite at a search round or a denoise step.
---@param step { token: string, textDocument: { version: integer }, index: integer, limit: integer, edits: lsp.TextEdit[] }
function M.on_step(step)
  for bufnr, rewrite in pairs(rewrites) do
    if rewrite.token == step.token and not rewrite.edit then
      local is_now = vim.api.nvim_buf_get_changedtick(bufnr) == rewrite.tick
      if is_now and vim.lsp.util.buf_versions[bufnr] == step.textDocument.version and config.get().live then
        local hunks = edits.hunks(bufnr, step.edits, rewrite.client.offset_encoding)
        local count = ('%d/%d'):format(step.index, step.limit)
        drawing.canvas(bufnr, hunks, rewrite.region, rewrite.step_name .. ' ' .. count)
        status.set_activity(bufnr, count)
      end
      return
    end
  end
end

--- What becomes of the rewrite of a buffer.
---@param bufnr? integer
---@return 'running'|'shown'|nil
function M.state(bufnr)
  local rewrite = rewrites[bufnr or vim.api.nvim_get_current_buf()]
  return rewrite and (rewrite.edit and 'shown' or 'running') or nil
end

--- End the undo step of what was typed before, or begin one for what is typed from now on.
---@param bufnr integer
local function break_undo(bufnr)
  vim.api.nvim_buf_call(bufnr, function()
    vim.cmd('let &g:undolevels = &g:undolevels')
  end)
end

--- Change the text as shown.
---@param bufnr? integer
function M.accept(bufnr)
  bufnr = bufnr or vim.api.nvim_get_current_buf()
  local rewrite = rewrites[bufnr]
  if not rewrite then
    return message.tell('there is no rewrite to accept.')
  end
  if not rewrite.edit then
    return message.tell('the rewrite is not ready yet; :Redraft reject cancels it.')
  end
  drop(rewrite)
  if vim.api.nvim_buf_get_changedtick(bufnr) ~= rewrite.tick then
    return message.warn('the text has changed, so the rewrite was dropped.')
  end
  if not vim.bo[bufnr].modifiable then
    return message.warn('this buffer cannot be changed.')
  end
  break_undo(bufnr)
  vim.lsp.util.apply_workspace_edit(rewrite.edit, rewrite.client.offset_encoding)
  break_undo(bufnr)
  accepted[bufnr] = vim.api.nvim_buf_get_changedtick(bufnr)
  announce('RedraftAccepted', bufnr)
end

--- Take the rewrite away, or cancel it while it runs.
---@param bufnr? integer
---@param is_silent? boolean
function M.reject(bufnr, is_silent)
  bufnr = bufnr or vim.api.nvim_get_current_buf()
  local rewrite = rewrites[bufnr]
  if not rewrite then
    return is_silent or message.tell('there is no rewrite to reject.')
  end
  drop(rewrite)
  rewrite.cancel()
  announce('RedraftRejected', bufnr)
end

--- Undo the rewrite that was accepted last, if nothing has changed since.
---@param bufnr integer
function M.undo(bufnr)
  if not accepted[bufnr] then
    return message.tell('no rewrite has been accepted in this buffer.')
  end
  if accepted[bufnr] ~= vim.api.nvim_buf_get_changedtick(bufnr) then
    return message.tell('the text has changed since the rewrite; undo it with u.')
  end
  accepted[bufnr] = nil
  vim.api.nvim_buf_call(bufnr, function()
    vim.cmd('silent undo')
  end)
end

return M
