#!/usr/bin/env bash
# Starts a broker, in the foreground or with -daemon in the background.
#   kafka-server-start.sh [-daemon] server.properties [--override property=value]*
#   LOG_DIR           where server.log and kafkaServer.out go   (default: logs beside this folder)
#   BARNABAS_PROGRAM  the program to run                        (default: build/release/bin/barnabas)
#   BARNABAS_RUN_DIR  where pid files go
set -euo pipefail

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
base=$(dirname "$here")
for library in "$here/lib/common.sh" "$base/libexec/barnabas/common.sh"; do
  # shellcheck source=lib/common.sh
  if [[ -r $library ]]; then source "$library" && break; fi
done

usage() { die "USAGE: $0 [-daemon] server.properties [--override property=value]*"; }

# How long -daemon waits for a start that fails at once, so that its reason can be shown here.
readonly kEarlyFailureTenths=20

daemon=no
name=kafkaServer
while [[ $# -gt 0 && $1 == -* ]]; do
  case $1 in
    -daemon) daemon=yes ;;
    -name)
      [[ $# -ge 2 ]] || usage
      name=$2
      shift
      ;;
    -loggc) ;; # Kafka's switch for Java's garbage collector
    -h | --help)
      say "USAGE: $0 [-daemon] server.properties [--override property=value]*"
      exit 0
      ;;
    *) usage ;;
  esac
  shift
done
[[ $# -ge 1 ]] || usage
[[ -r $1 && -f $1 ]] || die "cannot open $1. USAGE: $0 [-daemon] server.properties [--override property=value]*"
file=$(absolute "$1")
shift

for ignored in KAFKA_HEAP_OPTS KAFKA_JVM_PERFORMANCE_OPTS KAFKA_GC_LOG_OPTS KAFKA_OPTS KAFKA_LOG4J_OPTS; do
  if [[ -n ${!ignored:-} ]]; then note "INFO $ignored is set and ignored: there is no Java here to take it"; fi
done
if [[ -n ${JMX_PORT:-} ]]; then note "INFO JMX_PORT is set and ignored: there is no JMX here; metrics are served over HTTP"; fi

program=$(find_program "$base")
logs=$(log_dir "$base")
mkdir -p "$logs" 2>/dev/null || die "cannot make the log folder $logs (LOG_DIR names another)"
logs=$(cd "$logs" && pwd -P)
prefix=$(pid_file_prefix "$file")
pids=$(run_dir)
pid_file=$pids/$prefix.$(printf '%s\n' "$@" | cksum | cut -d' ' -f1).pid
if running=$(pid_of "$pid_file"); then
  die "a broker with $file is already running (pid $running); $here/kafka-server-stop.sh stops it"
fi

# Relative paths in the file mean the same wherever this is called from.
cd "$base"
command=("$program" server "$file" "$@" --pid-file "$pid_file" --log-dir "$logs")
if [[ $daemon == no ]]; then exec "${command[@]}"; fi

out=$logs/$name.out
nohup setsid "${command[@]}" >"$out" 2>&1 </dev/null &
child=$!
for ((i = 0; i < kEarlyFailureTenths; ++i)); do
  if [[ -s $pid_file ]] && pid_of "$pid_file" >/dev/null; then exit 0; fi
  if ! kill -0 "$child" 2>/dev/null; then
    note "the broker did not start:"
    tail -n 20 "$out" >&2
    exit 1
  fi
  sleep 0.1
done
