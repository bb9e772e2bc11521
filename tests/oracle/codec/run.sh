#!/usr/bin/env bash
# Runs a test program beside Kafka's own codec: run.sh <classes folder> <program> [arguments].
# Compiles the Java side once into the folder. BARNABAS_SEED repeats a run.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
classes=$1
shift

java_home=${BARNABAS_JAVA_HOME:-}
if [[ -z $java_home ]]; then
  java_home=$(compgen -G '/usr/lib/jvm/java-17-openjdk-*' | head -n 1) || true
fi
if [[ ! -x $java_home/bin/javac ]]; then
  echo "run.sh: javac 17 is missing (apt install openjdk-17-jdk-headless)" >&2
  exit 1
fi

class_path=$("$here/../classpath.sh")
mkdir -p "$classes"
exec 9>"$classes/.lock"
flock 9
stamp=$(cat "$here"/*.java | sha256sum)
if [[ ! -f $classes/.stamp || $(<"$classes/.stamp") != "$stamp" ]]; then
  "$java_home/bin/javac" -Xlint:all -Werror -d "$classes" -cp "$class_path" "$here"/*.java
  printf '%s\n' "$stamp" >"$classes/.stamp"
fi
exec 9>&-

export BARNABAS_CODEC_JAVA="$java_home/bin/java"
export BARNABAS_CODEC_CLASS_PATH="$classes:$class_path"
exec "$@"
