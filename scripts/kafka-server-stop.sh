#!/usr/bin/env bash
# Stops brokers that kafka-server-start.sh started: all of this user, or the ones of one file.
#   kafka-server-stop.sh [server.properties]
# Sends SIGTERM and waits until they have stopped cleanly. Touches no other process, ever.
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
    say "USAGE: $0 [server.properties]"
    exit 0
    ;;
  --process-role | --process-role=* | --node-id | --node-id=*)
    die "${1%%=*} belongs to KRaft, which this server does not have. USAGE: $0 [server.properties]"
    ;;
  -*) die "unknown option $1. USAGE: $0 [server.properties]" ;;
esac

pattern='*'
if [[ $# -ge 1 ]]; then
  [[ -f $1 ]] || die "cannot open $1. USAGE: $0 [server.properties]"
  pattern=$(pid_file_prefix "$(absolute "$1")").'*'
fi

pids=()
dir=$(run_dir)
while IFS= read -r pid_file; do
  if pid=$(pid_of "$pid_file"); then
    pids+=("$pid")
  else
    rm -f "$pid_file" # left behind by a broker that was killed
  fi
done < <(compgen -G "$dir/$pattern.pid" || true)
if [[ ${#pids[@]} == 0 ]]; then
  say "No kafka server to stop"
  exit 1
fi

kill -TERM "${pids[@]}" 2>/dev/null || true
deadline=$((SECONDS + ${BARNABAS_STOP_TIMEOUT_S:-120}))
for pid in "${pids[@]}"; do
  while kill -0 "$pid" 2>/dev/null; do
    # What is dead and only waits for its parent to look has stopped.
    if grep -qs '^State:[[:space:]]*Z' "/proc/$pid/status"; then break; fi
    if ((SECONDS >= deadline)); then
      die "the broker with pid $pid is still stopping; see its server.log"
    fi
    sleep 0.05
  done
done
