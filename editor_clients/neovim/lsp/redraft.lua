-- How Neovim starts the language server: `vim.lsp.enable('redraft')` is enough. `vim.lsp.config('redraft', {...})` changes
-- what is here, and so does `vim.g.redraft`.
local config = require('redraft.config').get()

---@type vim.lsp.Config
return {
  cmd = config.cmd,
  filetypes = { 'python' },
  -- Calls on_dir only if the server can be started, so that a missing one is reported once and not for every file.
  root_dir = function(bufnr, on_dir)
    if require('redraft.server').can_start() then
      on_dir(vim.fs.root(bufnr, { 'pyproject.toml', 'setup.py', 'setup.cfg', '.git' }))
    end
  end,
  init_options = { liveDenoise = config.live },
  -- What is not set here is answered with null, so that pyproject.toml decides.
  settings = { redraft = config.settings },
  capabilities = { experimental = { serverStatusNotification = true } },
  handlers = {
    ['redraft/denoise'] = function(_, step)
      require('redraft.rewrite').on_step(step)
    end,
    ['experimental/serverStatus'] = function(_, status, context)
      require('redraft.status').on_status(context.client_id, status)
    end,
  },
  on_init = function(client)
    require('redraft.server').on_init(client)
  end,
  on_exit = function(code, signal, client_id)
    require('redraft.server').on_exit(code, signal, client_id)
  end,
}
