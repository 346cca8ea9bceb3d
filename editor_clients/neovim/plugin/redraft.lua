-- What is there from the start: a command, <Plug> mappings and three autocommands. Everything else is loaded when it is needed.
if vim.g.loaded_redraft then
  return
end
vim.g.loaded_redraft = 1

local group = vim.api.nvim_create_augroup('redraft', {})

vim.api.nvim_create_autocmd('FileType', {
  group = group,
  pattern = 'python',
  callback = function()
    require('redraft.server').start()
    return true -- once
  end,
})

vim.api.nvim_create_autocmd('LspAttach', {
  group = group,
  callback = function(event)
    local client = vim.lsp.get_client_by_id(event.data.client_id)
    if client and client.name == 'redraft' then
      require('redraft.inline').attach(event.buf, client)
    end
  end,
})

vim.api.nvim_create_autocmd('ColorScheme', {
  group = group,
  callback = function()
    require('redraft.highlights').define()
  end,
})

vim.api.nvim_create_user_command('Redraft', function(arguments)
  require('redraft.command').run(arguments)
end, {
  nargs = '*',
  range = true,
  desc = 'Repair, rewrite and complete Python code',
  complete = function(...)
    return require('redraft.command').complete(...)
  end,
})

---@param mode string|string[]
---@param name string
---@param action fun()
---@param desc string
local function plug(mode, name, action, desc)
  vim.keymap.set(
    mode,
    '<Plug>(redraft-' .. name .. ')',
    action,
    { silent = true, desc = 'Redraft: ' .. desc }
  )
end

plug('i', 'accept', function()
  require('redraft').accept('all')
end, 'accept the suggestion')
plug('i', 'accept-word', function()
  require('redraft').accept('word')
end, 'accept the next word of the suggestion')
plug('i', 'accept-line', function()
  require('redraft').accept('line')
end, 'accept the next line of the suggestion')
plug('i', 'next', function()
  require('redraft.inline').cycle(1)
end, 'show the next suggestion')
plug('i', 'previous', function()
  require('redraft.inline').cycle(-1)
end, 'show the previous suggestion')
plug('i', 'dismiss', function()
  require('redraft.inline').dismiss()
end, 'take the suggestion away')
plug('i', 'complete', function()
  require('redraft.inline').ask()
end, 'ask for suggestions')
plug({ 'n', 'i' }, 'rewrite-accept', function()
  require('redraft.rewrite').accept()
end, 'accept the rewrite')
plug({ 'n', 'i' }, 'rewrite-reject', function()
  require('redraft.rewrite').reject()
end, 'reject the rewrite, or cancel it while it runs')

-- A colon, so that a selection becomes the range.
vim.keymap.set({ 'n', 'x' }, '<Plug>(redraft-repair)', ':Redraft repair<CR>', {
  silent = true,
  desc = 'Redraft: repair here, or the selection',
})
