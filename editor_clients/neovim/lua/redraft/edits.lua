--- Text edits of the protocol as changes of whole lines, to be looked at before they are applied. Changes nothing.
local M = {}

--- A change within a line.
---@class redraft.Piece
---@field row integer
---@field first integer first byte that is replaced
---@field last integer the byte behind
---@field text string

--- Lines that are replaced; 0-based.
---@class redraft.Hunk
---@field first integer
---@field old string[]
---@field new string[]
---@field pieces redraft.Piece[]? if nothing but pieces of lines change, those pieces

---@param bufnr integer
---@param row integer
---@return string
local function line_at(bufnr, row)
  return vim.api.nvim_buf_get_lines(bufnr, row, row + 1, false)[1] or ''
end

--- The place of a position, in bytes. Behind the last line there is an empty one.
---@param bufnr integer
---@param position lsp.Position
---@param encoding string
---@return integer row, integer column
local function place(bufnr, position, encoding)
  local n_lines = vim.api.nvim_buf_line_count(bufnr)
  if position.line >= n_lines then
    return n_lines, 0
  end
  local line = line_at(bufnr, position.line)
  return position.line, vim.str_byteindex(line, encoding, position.character, false)
end

--- The text between two places.
---@param bufnr integer
local function between(bufnr, row, column, last_row, last_column)
  if row == last_row then
    return line_at(bufnr, row):sub(column + 1, last_column)
  end
  local lines = vim.api.nvim_buf_get_lines(bufnr, row, last_row, false)
  lines[1] = lines[1]:sub(column + 1)
  lines[#lines + 1] = line_at(bufnr, last_row):sub(1, last_column)
  return table.concat(lines, '\n')
end

---@param hunk redraft.Hunk
---@return redraft.Hunk
local function without_equal_lines(hunk)
  while hunk.old[1] and hunk.old[1] == hunk.new[1] do
    hunk.first = hunk.first + 1
    table.remove(hunk.old, 1)
    table.remove(hunk.new, 1)
  end
  while #hunk.old > 0 and hunk.old[#hunk.old] == hunk.new[#hunk.new] do
    hunk.old[#hunk.old], hunk.new[#hunk.new] = nil, nil
  end
  return hunk
end

---@class redraft.PlacedEdit
---@field row integer
---@field column integer
---@field last_row integer
---@field last_column integer
---@field text string

--- The hunk of `edits`, which touch the lines from `first` to `last` and no others touch them.
---@param bufnr integer
---@param first integer
---@param last integer
---@param edits redraft.PlacedEdit[]
---@return redraft.Hunk
local function hunk_of(bufnr, first, last, edits)
  local text, row, column = {}, first, 0
  local pieces = {} ---@type redraft.Piece[]?
  for _, edit in ipairs(edits) do
    text[#text + 1] = between(bufnr, row, column, edit.row, edit.column)
    text[#text + 1] = edit.text
    row, column = edit.last_row, edit.last_column
    if
      edit.row ~= edit.last_row
      or edit.text:find('\n', 1, true)
      or edit.row >= vim.api.nvim_buf_line_count(bufnr)
    then
      pieces = nil
    elseif pieces then
      pieces[#pieces + 1] = { row = edit.row, first = edit.column, last = edit.last_column, text = edit.text }
    end
  end
  text[#text + 1] = line_at(bufnr, row):sub(column + 1)
  local old = vim.api.nvim_buf_get_lines(bufnr, first, last + 1, false)
  local new = vim.split(table.concat(text), '\n', { plain = true })
  -- The empty line behind the last one is none of the buffer's.
  if last >= vim.api.nvim_buf_line_count(bufnr) and new[#new] == '' then
    new[#new] = nil
  end
  local hunk = { first = first, old = old, new = new, pieces = pieces }
  return pieces and hunk or without_equal_lines(hunk)
end

--- The hunks that `edits` make of a buffer, from top to bottom.
---@param bufnr integer
---@param edits lsp.TextEdit[]
---@param encoding string
---@return redraft.Hunk[]
function M.hunks(bufnr, edits, encoding)
  local placed = {} ---@type redraft.PlacedEdit[]
  for _, edit in ipairs(edits) do
    local row, column = place(bufnr, edit.range.start, encoding)
    local last_row, last_column = place(bufnr, edit.range['end'], encoding)
    local text = edit.newText:gsub('\r\n?', '\n')
    placed[#placed + 1] =
      { row = row, column = column, last_row = last_row, last_column = last_column, text = text }
  end
  table.sort(placed, function(one, other)
    if one.row ~= other.row then
      return one.row < other.row
    end
    return one.column < other.column
  end)
  local hunks = {} ---@type redraft.Hunk[]
  local group, last = {}, -1 ---@type redraft.PlacedEdit[], integer
  local function close()
    if #group > 0 then
      local hunk = hunk_of(bufnr, group[1].row, last, group)
      if hunk.pieces or #hunk.old > 0 or #hunk.new > 0 then
        hunks[#hunks + 1] = hunk
      end
    end
  end
  for _, edit in ipairs(placed) do
    if edit.row > last then
      close()
      group = {}
    end
    group[#group + 1] = edit
    last = math.max(last, edit.last_row)
  end
  close()
  return hunks
end

return M
