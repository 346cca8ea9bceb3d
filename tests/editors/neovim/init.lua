-- The configuration of a user of these tests, who has read the manual. $REDRAFT_OPTIONS is vim.g.redraft.
vim.o.swapfile = false
vim.o.shadafile = 'NONE'
vim.o.updatetime = 100
vim.opt.rtp:append(vim.env.REDRAFT_PLUGIN)
vim.g.redraft = vim.json.decode(vim.env.REDRAFT_OPTIONS)
vim.cmd('filetype plugin indent on')

vim.o.statusline = "%f %=%{v:lua.require'redraft'.status()}"
vim.o.laststatus = 2

-- The mapping of the manual.
vim.keymap.set('i', '<Tab>', function()
  return require('redraft').accept() and '' or '<Tab>'
end, { expr = true })
vim.keymap.set('i', '<M-w>', '<Plug>(redraft-accept-word)')
vim.keymap.set('i', '<M-l>', '<Plug>(redraft-accept-line)')
vim.keymap.set('i', '<M-n>', '<Plug>(redraft-next)')
vim.keymap.set('i', '<M-p>', '<Plug>(redraft-previous)')
vim.keymap.set('i', '<M-d>', '<Plug>(redraft-dismiss)')
vim.keymap.set('i', '<M-c>', '<Plug>(redraft-complete)')
vim.keymap.set({ 'n', 'x' }, 'gR', '<Plug>(redraft-repair)')
vim.keymap.set({ 'n', 'i' }, '<M-y>', '<Plug>(redraft-rewrite-accept)')
vim.keymap.set({ 'n', 'i' }, '<M-q>', '<Plug>(redraft-rewrite-reject)')

-- What the user is told, for the tests to read.
_G.said = {}
local notify = vim.notify
vim.notify = function(sentence, level, options)
  table.insert(_G.said, sentence)
  return notify(sentence, level, options)
end
