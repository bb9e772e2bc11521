#!/usr/bin/env bash
# Stops the ZooKeepers that zookeeper-server-start.sh started: all of this user, or the one of a file.
#   zookeeper-server-stop.sh [zookeeper.properties]
# Sends SIGTERM and waits until they are gone. Touches no other process, ever.
#   BARNABAS_STOP_TIMEOUT_S  how long to wait (default 120)
set -euo pipefail

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
base=$(dirname "$here")
for library in "$here/lib/common.sh" "$base/libexec/barnabas/common.sh"; do
  # shellcheck source=lib/common.sh
  if [[ -r $library ]]; then source "$library" && break; fi
done

case ${1:-} in
  -h | --help)
    say "USAGE: $0 [zookeeper.properties]"
    exit 0
    ;;
  -*) die "unknown option $1. USAGE: $0 [zookeeper.properties]" ;;
esac

pattern='*'
if [[ $# -ge 1 ]]; then
  [[ -f $1 ]] || die "cannot open $1. USAGE: $0 [zookeeper.properties]"
  pattern=$(pid_file_prefix "$(absolute "$1")")
fi

pids=()
pid_files=()
dir=$(run_dir)
while IFS= read -r pid_file; do
  if pid=$(pid_of "$pid_file" "-Dbarnabas.pid.file=$pid_file"); then
    pids+=("$pid")
    pid_files+=("$pid_file")
  else
    rm -f "$pid_file" # left behind by one that was killed
  fi
done < <(compgen -G "$dir/$pattern.zookeeper" || true)
if [[ ${#pids[@]} == 0 ]]; then
  say "No zookeeper server to stop"
  exit 1
fi

kill -TERM "${pids[@]}" 2>/dev/null || true
deadline=$((SECONDS + ${BARNABAS_STOP_TIMEOUT_S:-120}))
for pid in "${pids[@]}"; do
  while kill -0 "$pid" 2>/dev/null; do
    if grep -qs '^State:[[:space:]]*Z' "/proc/$pid/status"; then break; fi
    if ((SECONDS >= deadline)); then die "the ZooKeeper with pid $pid is still stopping"; fi
    sleep 0.05
  done
done
rm -f "${pid_files[@]}"
