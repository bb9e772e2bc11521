#!/usr/bin/env bash
# From a fresh checkout on Debian 12 to a running broker and a first topic, in one command:
# installs what the build needs, builds a release, starts a broker in embedded mode on
# localhost:9092, carries the lines of LICENSE through a topic and shows that they are the same.
# A second call takes seconds and changes nothing but the topic.
#   QUICKSTART_PORT   another port than 9092 (such a broker has data of its own)
set -euo pipefail

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
base=$(dirname "$here")
# shellcheck source=lib/common.sh
source "$here/lib/common.sh"
# shellcheck source=lib/setup.sh
source "$here/lib/setup.sh"

readonly kConfig=$base/config/standalone.properties
readonly kTopic=quickstart-events
readonly kSample=$base/LICENSE
readonly kStartTenths=100

port=${QUICKSTART_PORT:-9092}
server=localhost:$port
logs=$base/build/logs
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

case ${1:-} in
  -h | --help)
    sed -n '2,/^set -e/{/^set -e/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
    exit 0
    ;;
  ?*) die "unknown argument $1; there are none (QUICKSTART_PORT sets another port)" ;;
esac
[[ $port =~ ^[0-9]+$ && $port -ge 1 && $port -le 65535 ]] || die "QUICKSTART_PORT=$port is not a port"
mkdir -p "$logs" 2>/dev/null || die "cannot write to $base: run this as the owner of the checkout"

build() {
  cd "$base"
  if [[ ! -f build/release/build.ninja ]]; then
    run_step "Configuring the build" "$logs/configure.log" cmake --preset release -DBARNABAS_TESTS=OFF ||
      build_failed "$logs/configure.log"
  fi
  run_step "Building the release" "$logs/build.log" cmake --build --preset release --target barnabas ||
    build_failed "$logs/build.log"
}

start_broker() {
  local overrides=() running pids i
  if [[ $port != 9092 ]]; then
    overrides=(--override "listeners=PLAINTEXT://localhost:$port" --override "log.dirs=data/standalone-$port/logs")
  fi
  if port_answers "$port"; then
    # Ours from an earlier call is welcome; anything else is not touched.
    pids=$(run_dir)
    for running in "$pids/$(pid_file_prefix "$kConfig")".*.pid; do
      if [[ $(port_owner "$port") == "pid $(pid_of "$running") "* ]]; then
        say "The broker is already running on $server."
        return
      fi
    done
    die "port $port is in use by $(port_owner "$port" || echo "another user's process").
Stop that, or take another port:  QUICKSTART_PORT=$((port + 100)) $0"
  fi
  "$here/kafka-server-start.sh" -daemon "$kConfig" "${overrides[@]}" || exit 1
  for ((i = 0; i < kStartTenths; ++i)); do
    if port_answers "$port"; then
      say "The broker is running on $server (log: $(log_dir "$base")/server.log)."
      return
    fi
    sleep 0.1
  done
  tail -n 20 "$(log_dir "$base")/kafkaServer.out" >&2
  die "the broker does not answer on $server; its log: $(log_dir "$base")/server.log"
}

# Every call adds the file's lines once more; the last ones must be those of this call.
carry_lines() {
  local lines
  lines=$(wc -l <"$kSample")
  "$here/kafka-topics.sh" --bootstrap-server "$server" --create --if-not-exists --topic "$kTopic" \
    --partitions 1 --replication-factor 1
  "$here/kafka-console-producer.sh" --bootstrap-server "$server" --topic "$kTopic" <"$kSample"
  "$here/kafka-console-consumer.sh" --bootstrap-server "$server" --topic "$kTopic" --from-beginning \
    --timeout-ms 2000 >"$work/consumed" 2>"$work/consumer.err" ||
    die "the consumer failed: $(tail -n 3 "$work/consumer.err")"
  tail -n "$lines" "$work/consumed" >"$work/last"
  if ! cmp -s "$work/last" "$kSample"; then
    diff "$kSample" "$work/last" | head -n 5 >&2 || true
    die "what was consumed is not what was produced: $(wc -l <"$work/consumed") lines came back"
  fi
  say "$lines lines of $(basename "$kSample") went into the topic $kTopic and came back the same."
}

install_packages "$logs" "$here/lib/packages-build.txt"
build
start_broker
carry_lines

cat <<EOF

Try it (from $base):
  scripts/kafka-console-producer.sh --bootstrap-server $server --topic $kTopic      (Ctrl-D ends)
  scripts/kafka-console-consumer.sh --bootstrap-server $server --topic $kTopic --from-beginning
  scripts/kafka-topics.sh --bootstrap-server $server --list
Any Kafka client works with bootstrap.servers=$server.
Stop the broker:
  scripts/kafka-server-stop.sh
EOF
