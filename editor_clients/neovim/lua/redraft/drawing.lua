--- Rewrites drawn over a buffer: the canvas while the model works, then what would change. The text is never touched.
local M = {}

require('redraft.highlights')

local namespace = vim.api.nvim_create_namespace('redraft.rewrite')

--- Above what other plugins highlight, below the cursor.
local priority = 200

local mask = '░'

---@param bufnr integer
function M.clear(bufnr)
  if vim.api.nvim_buf_is_valid(bufnr) then
    vim.api.nvim_buf_clear_namespace(bufnr, namespace, 0, -1)
  end
end

--- Virtual text has no tab stops.
---@param text string
---@param bufnr integer
---@return string
local function untabbed(text, bufnr)
  return (text:gsub('\t', (' '):rep(vim.bo[bufnr].tabstop)))
end

--- `text` in pieces, with masks in a colour of their own.
---@param text string
---@param group string
---@return [string, string][]
local function with_masks(text, group)
  local chunks = {} ---@type [string, string][]
  local rest = text
  while rest ~= '' do
    local first = rest:find(mask, 1, true)
    if not first then
      chunks[#chunks + 1] = { rest, group }
      break
    end
    if first > 1 then
      chunks[#chunks + 1] = { rest:sub(1, first - 1), group }
    end
    local last = first - 1
    while rest:sub(last + 1, last + #mask) == mask do
      last = last + #mask
    end
    chunks[#chunks + 1] = { rest:sub(first, last), 'RedraftMask' }
    rest = rest:sub(last + 1)
  end
  return chunks
end

--- How many bytes two lines begin with alike, whole characters only.
---@param one string
---@param other string
---@return integer
local function n_alike(one, other)
  local n = 0
  while n < #one and n < #other and one:byte(n + 1) == other:byte(n + 1) do
    n = n + 1
  end
  while n > 0 and n < #one and one:byte(n + 1) >= 0x80 and one:byte(n + 1) < 0xC0 do
    n = n - 1
  end
  while n > 0 and n < #other and other:byte(n + 1) >= 0x80 and other:byte(n + 1) < 0xC0 do
    n = n - 1
  end
  return n
end

--- Lines that are not in the buffer, below `row`; above the first line if `row` is negative.
---@param bufnr integer
---@param row integer
---@param lines string[]
---@param group string
local function draw_lines(bufnr, row, lines, group)
  if #lines == 0 then
    return
  end
  local virtual = vim.tbl_map(function(line)
    local chunks = with_masks(untabbed(line, bufnr), group)
    return #chunks > 0 and chunks or { { ' ', group } }
  end, lines)
  local is_above = row < 0
  row = math.min(math.max(row, 0), vim.api.nvim_buf_line_count(bufnr) - 1)
  vim.api.nvim_buf_set_extmark(bufnr, namespace, row, 0, {
    virt_lines = virtual,
    virt_lines_above = is_above,
    priority = priority,
  })
  if is_above then
    -- Neovim does not scroll to lines above the first one by itself.
    for _, window in ipairs(vim.fn.win_findbuf(bufnr)) do
      vim.api.nvim_win_call(window, function()
        if vim.fn.line('w0') == 1 then
          vim.fn.winrestview({ topline = 1, topfill = #lines })
        end
      end)
    end
  end
end

---@param bufnr integer
---@param first integer
---@param n_rows integer
---@param group string
local function mark_rows(bufnr, first, n_rows, group)
  if n_rows > 0 then
    vim.api.nvim_buf_set_extmark(bufnr, namespace, first, 0, {
      end_row = math.min(first + n_rows, vim.api.nvim_buf_line_count(bufnr)),
      hl_group = group,
      hl_eol = true,
      priority = priority,
      strict = false,
    })
  end
end

--- The text of a running rewrite, in the place of the text it replaces.
---@param bufnr integer
---@param hunks redraft.Hunk[]
---@param region { first: integer, last: integer } rows that are worked on
---@param hint string
function M.canvas(bufnr, hunks, region, hint)
  M.clear(bufnr)
  mark_rows(bufnr, region.first, region.last - region.first + 1, 'RedraftRegion')
  vim.api.nvim_buf_set_extmark(bufnr, namespace, region.first, 0, {
    virt_text = { { ' ' .. hint, 'RedraftHint' } },
    virt_text_pos = 'eol',
    priority = priority,
  })
  for _, hunk in ipairs(hunks) do
    local n_both = math.min(#hunk.old, #hunk.new)
    for number = 1, n_both do
      local old, new = hunk.old[number], hunk.new[number]
      if old ~= new then
        local column = n_alike(old, new)
        local text = untabbed(new:sub(column + 1), bufnr)
        local n_missing = vim.fn.strdisplaywidth(old:sub(column + 1)) - vim.fn.strdisplaywidth(text)
        local chunks = with_masks(text, 'RedraftCanvas')
        chunks[#chunks + 1] = { (' '):rep(math.max(n_missing, 0)), 'RedraftRegion' }
        vim.api.nvim_buf_set_extmark(bufnr, namespace, hunk.first + number - 1, column, {
          virt_text = chunks,
          virt_text_pos = 'overlay',
          priority = priority + 1,
        })
      end
    end
    mark_rows(bufnr, hunk.first + n_both, #hunk.old - n_both, 'RedraftRemoved')
    draw_lines(bufnr, hunk.first + #hunk.old - 1, vim.list_slice(hunk.new, n_both + 1), 'RedraftCanvas')
  end
end

--- What a rewrite would change, with a hint what to do about it.
---@param bufnr integer
---@param hunks redraft.Hunk[]
---@param hint string
function M.difference(bufnr, hunks, hint)
  M.clear(bufnr)
  for _, hunk in ipairs(hunks) do
    if hunk.pieces then
      for _, piece in ipairs(hunk.pieces) do
        if piece.first < piece.last then
          vim.api.nvim_buf_set_extmark(bufnr, namespace, piece.row, piece.first, {
            end_col = piece.last,
            hl_group = 'RedraftRemoved',
            priority = priority,
          })
        end
        if piece.text ~= '' then
          vim.api.nvim_buf_set_extmark(bufnr, namespace, piece.row, piece.last, {
            virt_text = { { untabbed(piece.text, bufnr), 'RedraftAdded' } },
            virt_text_pos = 'inline',
            priority = priority,
          })
        end
      end
    else
      mark_rows(bufnr, hunk.first, #hunk.old, 'RedraftRemoved')
      draw_lines(bufnr, hunk.first + #hunk.old - 1, hunk.new, 'RedraftAdded')
    end
  end
  local row = math.min(hunks[1].first, vim.api.nvim_buf_line_count(bufnr) - 1)
  vim.api.nvim_buf_set_extmark(bufnr, namespace, row, 0, {
    virt_text = { { ' ' .. hint, 'RedraftHint' } },
    virt_text_pos = 'eol',
    priority = priority,
  })
end

return M
