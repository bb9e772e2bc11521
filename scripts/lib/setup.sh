# Sourced by quickstart.sh and test.sh: installs Debian packages, runs long steps with a sign of life.
# shellcheck shell=bash

# run_step "What is done" log-file command...   Prints one line that shows the time passed, and the
# end of the log when the command fails. Returns what the command returned.
run_step() {
  local title=$1 log=$2 started=$SECONDS status=0 child shown=0
  shift 2
  "$@" >"$log" 2>&1 </dev/null &
  child=$!
  if [[ -t 1 ]]; then
    while kill -0 "$child" 2>/dev/null; do
      printf '\r\033[K%s ... %ss  %s' "$title" $((SECONDS - started)) "$(last_words "$log")"
      sleep 0.5
    done
    printf '\r\033[K'
  else
    while kill -0 "$child" 2>/dev/null; do
      if ((SECONDS - started >= shown)); then
        if ((shown > 0)); then say "$title ... $((SECONDS - started))s  $(last_words "$log")"; fi
        shown=$((shown + 15))
      fi
      sleep 0.2
    done
  fi
  wait "$child" || status=$?
  if [[ $status == 0 ]]; then
    say "$title: done in $((SECONDS - started))s"
  else
    note "$title: failed after $((SECONDS - started))s (whole log: $log)"
  fi
  return "$status"
}

# The last line of a log, short enough for one line of a terminal.
last_words() { tail -c 400 "$1" 2>/dev/null | tr '\r' '\n' | sed '/^[[:space:]]*$/d' | tail -n 1 | cut -c1-60; }

# The packages of the given lists that are not installed.
missing_packages() {
  local wanted
  wanted=$(sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$@")
  # shellcheck disable=SC2086  # one word a package
  comm -23 <(printf '%s\n' $wanted | sort -u) \
    <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null |
      sed -n 's/^installed //p' | sort -u)
}

# install_packages log-folder list...
install_packages() {
  local logs=$1 missing as_root=() apt
  shift
  command -v apt-get >/dev/null || die "this needs Debian 12's apt-get; what to install otherwise stands in: $*"
  missing=$(missing_packages "$@")
  [[ -n $missing ]] || return 0
  # shellcheck disable=SC2086
  missing=$(printf '%s ' $missing)
  if [[ $(id -u) != 0 ]]; then
    if ! command -v sudo >/dev/null; then
      die "these packages are missing, and installing them needs root (there is no sudo here):
  $missing
run as root:  apt-get update && apt-get install -y --no-install-recommends $missing"
    fi
    say "Installing packages needs root; sudo may ask for your password."
    sudo -v || die "sudo refused. Run as root:  apt-get install -y --no-install-recommends $missing"
    as_root=(sudo -n)
  fi
  apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y
    -o Acquire::Retries=2 -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30 -o DPkg::Lock::Timeout=120)
  run_step "Reading Debian's package lists" "$logs/apt-update.log" "${apt[@]}" -o APT::Update::Error-Mode=any update ||
    apt_failed "$logs/apt-update.log"
  if [[ " $missing" == *" ca-certificates "* ]]; then
    run_step "Installing ca-certificates" "$logs/apt-certificates.log" \
      "${apt[@]}" install --no-install-recommends ca-certificates || apt_failed "$logs/apt-certificates.log"
  fi
  # shellcheck disable=SC2086
  run_step "Installing $(wc -w <<<"$missing") packages" "$logs/apt-install.log" \
    "${apt[@]}" install --no-install-recommends $missing || apt_failed "$logs/apt-install.log"
}

# One line for the usual reasons, the log's own words otherwise.
apt_failed() {
  local log=$1
  if grep -qiE 'Temporary failure resolving|Could not resolve|Could not connect|Failed to fetch|Connection timed out|Network is unreachable' "$log"; then
    die "apt cannot reach Debian's mirrors: is there a network (and a proxy to set in http_proxy)?
  $(grep -iE 'resolv|connect|timed out|unreachable|fetch' "$log" | head -n 1)"
  elif grep -q 'Unable to locate package' "$log"; then
    die "$(grep 'Unable to locate package' "$log" | head -n 3)
These packages are of Debian 12 (bookworm); this is $(. /etc/os-release 2>/dev/null && printf '%s' "${PRETTY_NAME:-another system}")."
  elif grep -qE 'Could not get lock|is another process using it' "$log"; then
    die "another apt is at work: $(grep -E 'Could not get lock' "$log" | head -n 1). Try again when it has finished."
  elif grep -q 'No space left on device' "$log"; then
    die "the disk is full: $(grep 'No space left' "$log" | head -n 1)"
  fi
  grep -E '^(E|W|dpkg: error)' "$log" | head -n 5 >&2
  die "apt failed; its whole output: $log"
}

# build_failed log: the first errors of the compiler rather than pages.
build_failed() {
  grep -nE 'error:|CMake Error|No space left|fatal' "$1" | head -n 10 >&2
  if grep -qE 'Killed signal|cc1plus.*Killed' "$1"; then
    note "The compiler was killed: too little memory. CMAKE_BUILD_PARALLEL_LEVEL=1 needs less."
  fi
  die "the build failed; its whole output: $1"
}

# Whether something accepts connections on a port of this machine.
port_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# "pid 123 (java)" of what listens on a TCP port, as far as this user may see it.
port_owner() {
  local hex inode fd pid
  hex=$(printf '%04X' "$1")
  inode=$(awk -v port=":$hex" '$4 == "0A" && $2 ~ port "$" { print $10; exit }' /proc/net/tcp /proc/net/tcp6 2>/dev/null)
  [[ -n $inode ]] || return 1
  for fd in /proc/[0-9]*/fd/*; do
    if [[ $(readlink "$fd" 2>/dev/null) == "socket:[$inode]" ]]; then
      pid=${fd#/proc/}
      pid=${pid%%/*}
      printf 'pid %s (%s)\n' "$pid" "$(cat "/proc/$pid/comm" 2>/dev/null)"
      return 0
    fi
  done
  return 1
}
