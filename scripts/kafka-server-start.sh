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
pids=$(run_dir)
overrides_sum=$(printf '%s\n' "$@" | cksum | cut -d' ' -f1)
pid_file=$pids/$(pid_file_prefix "$file").$overrides_sum.pid
if running=$(pid_of "$pid_file"); then
  die "a broker with $file is already running (pid $running); $here/kafka-server-stop.sh stops it"
fi

# Two brokers must not rotate one log file: the second gets a folder of its own below.
logs=$(absolute_folder "$(log_dir "$base")")
if log_dir_in_use "$pids" "$logs"; then
  logs=$(absolute_folder "$logs/$(basename "$file" .properties)")
  if log_dir_in_use "$pids" "$logs"; then logs=$(absolute_folder "$logs-$overrides_sum"); fi
  note "INFO another broker writes its log there already; this one's goes to $logs"
fi

# Relative paths in the file mean the same wherever this is called from.
cd "$base"
command=("$program" server "$file" "$@" --pid-file "$pid_file" --log-dir "$logs")
# The pid file stands from the first moment, so that a broker that is still starting can be stopped.
if [[ $daemon == no ]]; then
  printf '%s\n' "$$" >"$pid_file"
  exec "${command[@]}"
fi

out=$logs/$name.out
nohup setsid "${command[@]}" >"$out" 2>&1 </dev/null &
child=$!
printf '%s\n' "$child" >"$pid_file"
for ((i = 0; i < kEarlyFailureTenths; ++i)); do
  if ! kill -0 "$child" 2>/dev/null; then
    rm -f "$pid_file"
    note "the broker did not start:"
    tail -n 20 "$out" >&2
    exit 1
  fi
  if grep -q started "$out"; then exit 0; fi
  sleep 0.1
done
