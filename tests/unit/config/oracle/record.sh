#!/usr/bin/env bash
# Asks Kafka's jar for its configuration table and compares the answer with the recorded one, which
# the unit tests of config are held against. `record.sh --record` writes it anew.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
recorded=$here/../kafka_config.tsv
class_path=$("$here/../../../oracle/classpath.sh")
java=$(compgen -G '/usr/lib/jvm/java-17-openjdk-*/bin/java' | head -n 1) || true
[[ -n $java ]] || { echo "Java 17 is missing (apt install openjdk-17-jdk-headless)" >&2; exit 1; }

answer=$(mktemp)
trap 'rm -f "$answer"' EXIT
"$java" -Dfile.encoding=UTF-8 -cp "$class_path" "$here/ConfigOracle.java" 2>"$answer.err" >"$answer" ||
  { cat "$answer.err" >&2; rm -f "$answer.err"; exit 1; }
rm -f "$answer.err"
if [[ ${1:-} == --record ]]; then
  cp "$answer" "$recorded"
  chmod 644 "$recorded"
fi
diff -u "$recorded" "$answer"
echo "$(grep -c '^key' "$answer") keys, $(grep -c '^value' "$answer") values," \
  "$(grep -c -E '^(load|topic)' "$answer") refusals and $(grep -c '^entry' "$answer") entries agree"
