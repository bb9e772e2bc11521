#!/usr/bin/env bash
# Starts Apache ZooKeeper, in the foreground or with -daemon in the background.
#   zookeeper-server-start.sh [-daemon] zookeeper.properties
#   ZOOKEEPER_HOME    an unpacked release of ZooKeeper   (default: Debian's package zookeeper)
#   JAVA_HOME         the Java to run it with            (default: the java on the PATH)
#   KAFKA_HEAP_OPTS   Java's memory                      (default: -Xmx512M -Xms64M)
#   LOG_DIR           where zookeeper.out goes           (default: logs beside this folder)
#   BARNABAS_RUN_DIR  where pid files go
# Nothing else of Barnabas needs Java or ZooKeeper.
set -euo pipefail

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
base=$(dirname "$here")
for library in "$here/lib/common.sh" "$base/libexec/barnabas/common.sh"; do
  # shellcheck source=lib/common.sh
  if [[ -r $library ]]; then source "$library" && break; fi
done

usage() { die "USAGE: $0 [-daemon] zookeeper.properties"; }

# How long -daemon waits for the port to answer, or for a start that fails at once.
readonly kStartTenths=200

daemon=no
while [[ $# -gt 0 && $1 == -* ]]; do
  case $1 in
    -daemon) daemon=yes ;;
    -name)
      [[ $# -ge 2 ]] || usage
      shift
      ;;
    -loggc) ;; # Kafka's switch for Java's garbage collector
    -h | --help)
      say "USAGE: $0 [-daemon] zookeeper.properties"
      exit 0
      ;;
    *) usage ;;
  esac
  shift
done
[[ $# == 1 ]] || usage
[[ -r $1 && -f $1 ]] || die "cannot open $1. USAGE: $0 [-daemon] zookeeper.properties"
file=$(absolute "$1")

# Prints the class path: a release's jars, or Debian's, whose manifest names what it needs.
class_path() {
  local jars
  if [[ -n ${ZOOKEEPER_HOME:-} ]]; then
    for jars in "$ZOOKEEPER_HOME/lib" "$ZOOKEEPER_HOME"; do
      if compgen -G "$jars/zookeeper-*.jar" >/dev/null; then
        printf '%s\n' "$ZOOKEEPER_HOME/conf:$jars/*"
        return
      fi
    done
    die "ZOOKEEPER_HOME=$ZOOKEEPER_HOME holds no ZooKeeper: there is no lib/zookeeper-*.jar in it"
  fi
  [[ -r /usr/share/java/zookeeper.jar ]] || die "there is no ZooKeeper here: apt-get install zookeeper,
  or set ZOOKEEPER_HOME to an unpacked release of https://zookeeper.apache.org"
  printf '%s\n' "/etc/zookeeper/conf:/usr/share/java/zookeeper.jar"
}

find_java() {
  local java
  if [[ -n ${JAVA_HOME:-} ]]; then
    java=$JAVA_HOME/bin/java
    [[ -x $java ]] || die "JAVA_HOME=$JAVA_HOME has no bin/java"
  else
    java=$(command -v java) || die "ZooKeeper needs Java: apt-get install default-jre-headless, or set JAVA_HOME"
  fi
  printf '%s\n' "$java"
}

# The last value of a key of the properties file.
property() { sed -n "s/^[[:space:]]*$1[[:space:]]*[=:][[:space:]]*//p" "$file" | tail -n 1 | tr -d '\r' | sed 's/[[:space:]]*$//'; }

classes=$(class_path)
java=$(find_java)
pids=$(run_dir)
pid_file=$pids/$(pid_file_prefix "$file").zookeeper
marker=-Dbarnabas.pid.file=$pid_file
if running=$(pid_of "$pid_file" "$marker"); then
  die "a ZooKeeper with $file is already running (pid $running); $here/zookeeper-server-stop.sh stops it"
fi

logs=$(absolute_folder "$(log_dir "$base")")
# Relative paths in the file mean the same wherever this is called from.
cd "$base"
read -r -a heap <<<"${KAFKA_HEAP_OPTS:--Xmx512M -Xms64M}"
command=("$java" "${heap[@]}" "$marker" -Djava.awt.headless=true -cp "$classes"
  org.apache.zookeeper.server.quorum.QuorumPeerMain "$file")
if [[ $daemon == no ]]; then
  printf '%s\n' "$$" >"$pid_file"
  exec "${command[@]}"
fi

out=$logs/zookeeper.out
nohup setsid "${command[@]}" >"$out" 2>&1 </dev/null &
child=$!
printf '%s\n' "$child" >"$pid_file"
port=$(property clientPort)
address=$(property clientPortAddress)
for ((i = 0; i < kStartTenths; ++i)); do
  if ! kill -0 "$child" 2>/dev/null; then
    rm -f "$pid_file"
    note "ZooKeeper did not start:"
    tail -n 20 "$out" >&2
    exit 1
  fi
  if [[ -z $port ]] || (exec 3<>"/dev/tcp/${address:-127.0.0.1}/$port") 2>/dev/null; then exit 0; fi
  sleep 0.1
done
note "ZooKeeper (pid $child) does not answer on port $port yet; its output: $out"
