# Sourced by the scripts beside it. Everything they make stands in .venv/, node_modules/ and other ignored folders.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

stamps=.venv/stamps
export PIP_DISABLE_PIP_VERSION_CHECK=1

say() { printf '· %s\n' "$*" >&2; }

fail() {
  printf '✗ %s\n' "$*" >&2
  exit 1
}

# once NAME INPUT… -- COMMAND…: runs the command unless it has already succeeded with these very inputs (files or folders).
once() {
  local name=$1 inputs=() now
  shift
  while [ "$1" != -- ]; do
    [ ! -e "$1" ] || inputs+=("$1")
    shift
  done
  shift
  now=$( (printf '%s\n' "$@" && find "${inputs[@]}" -type f ! -name '*.pyc' -print0 | sort -z | xargs -0 sha256sum) | sha256sum)
  [ "$(cat "$stamps/$name" 2>/dev/null)" != "$now" ] || return 0
  rm -f "$stamps/$name"
  "$@"
  mkdir -p "$stamps"
  printf '%s\n' "$now" >"$stamps/$name"
}

# as_root COMMAND…: as root, or through sudo where it asks nothing.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    sudo -n "$@"
  else
    return 1
  fi
}

# debian PACKAGE…: installs those that are missing.
debian() {
  local missing=() name
  for name in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
  done
  [ ${#missing[@]} != 0 ] || return 0
  command -v apt-get >/dev/null || fail "Please install: ${missing[*]}"
  say "Debian packages: ${missing[*]}"
  as_root apt-get update -q >&2 &&
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >&2 ||
    fail "Could not install them. As root: apt-get update && apt-get install ${missing[*]}"
}
