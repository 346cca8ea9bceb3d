std = 'luajit'
max_line_length = 132
read_globals = { 'vim' }
-- Options and variables of Neovim are set through fields of `vim`.
globals = { 'vim.b', 'vim.g', 'vim.bo', 'vim.wo' }
