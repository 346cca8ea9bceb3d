--- What a user can set in `vim.g.redraft`, a table or a function that returns one. There is no setup(): it is read when
--- it is needed, and what cannot be used is reported by `:checkhealth redraft`.
local M = {}

--- What a user writes.
---@class redraft.Options
---@field enable? boolean whether the server starts by itself with the first Python file
---@field cmd? string[] the command that starts the server
---@field settings? table<string, any> settings of the server, as in docs/settings.md
---@field inline? boolean whether suggestions are shown while typing
---@field ghost? 'auto'|'builtin'|'own' who shows them: Neovim (from 0.12) or this plugin
---@field debounce? integer milliseconds after a key before this plugin asks for a suggestion
---@field live? boolean whether a rewrite is shown while it is worked on

---@alias redraft.Setting redraft.Options|fun():redraft.Options

--- What the plugin reads: every option has a value.
---@class redraft.Config
---@field enable boolean
---@field cmd string[]
---@field settings table<string, any>
---@field inline boolean
---@field ghost 'auto'|'builtin'|'own'
---@field debounce integer
---@field live boolean

---@type redraft.Config
local defaults = {
  enable = true,
  cmd = { 'redraft', 'lsp' },
  settings = {},
  inline = true,
  ghost = 'auto',
  debounce = 75,
  live = true,
}

---@param value any
---@return boolean
local function is_command(value)
  if type(value) ~= 'table' or #value == 0 or not vim.islist(value) then
    return false
  end
  return vim.iter(value):all(function(word)
    return type(word) == 'string'
  end)
end

---@param name string
---@return fun(value: any): boolean
local function is_a(name)
  return function(value)
    return type(value) == name
  end
end

---@type table<string, { words: string, fits: fun(value: any): boolean }>
local kinds = {
  enable = { words = 'true or false', fits = is_a('boolean') },
  cmd = { words = 'a list of words, the command and its arguments', fits = is_command },
  settings = {
    words = 'a table of settings by their names',
    fits = function(value)
      return type(value) == 'table' and (next(value) == nil or not vim.islist(value))
    end,
  },
  inline = { words = 'true or false', fits = is_a('boolean') },
  ghost = {
    words = '“auto”, “builtin” or “own”',
    fits = function(value)
      return value == 'auto' or value == 'builtin' or value == 'own'
    end,
  },
  debounce = {
    words = 'a whole number of milliseconds, at least 0',
    fits = function(value)
      return type(value) == 'number' and value >= 0 and value % 1 == 0
    end,
  },
  live = { words = 'true or false', fits = is_a('boolean') },
}

--- The options of the user, with defaults for what is not set or cannot be used.
---@return redraft.Config
function M.get()
  return (M.checked())
end

--- The same, and one sentence for each thing that cannot be used.
---@return redraft.Config config
---@return string[] complaints
function M.checked()
  local config = vim.deepcopy(defaults)
  ---@type redraft.Setting?
  local options = vim.g.redraft
  if type(options) == 'function' then
    local is_fine, found = pcall(options)
    if not is_fine then
      return config, { ('The function in vim.g.redraft failed: %s'):format(found) }
    end
    options = found
  end
  if options == nil then
    return config, {}
  end
  if type(options) ~= 'table' then
    return config, { 'vim.g.redraft has to be a table, or a function that returns one.' }
  end
  local complaints = {}
  for name, value in vim.spairs(options) do
    local kind = kinds[name]
    if not kind then
      local known = table.concat(vim.fn.sort(vim.tbl_keys(kinds)), ', ')
      complaints[#complaints + 1] = ('There is no option “%s”; there are %s.'):format(name, known)
    elseif kind.fits(value) then
      config[name] = value
    else
      complaints[#complaints + 1] = ('The option “%s” has to be %s.'):format(name, kind.words)
    end
  end
  return config, complaints
end

return M
