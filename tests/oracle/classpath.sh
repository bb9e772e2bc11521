#!/usr/bin/env bash
# Prints the Java class path of the oracle: Kafka 3.9.1, its tools and the ZooKeeper it ships.
#   classpath.sh              pom.xml
#   classpath.sh 2.8.2        old-tools.xml: the tools of that older release, which write to ZooKeeper
#
# Maven resolves the pom once; the answer is kept under the cache folder by the pom's hash and is
# resolved again when a jar that it names has gone. Needs maven and openjdk-17 (Debian packages).
#   BARNABAS_CACHE      where the answer is kept   (default: $XDG_CACHE_HOME or ~/.cache, /barnabas)
#   BARNABAS_JAVA_HOME  the Java that Maven runs on (default: Debian's openjdk-17)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${BARNABAS_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/barnabas}
pom=$here/pom.xml
release=()
if [[ $# -ge 1 ]]; then
  pom=$here/old-tools.xml
  release=("-Dkafka.version=$1")
fi
hash=$(sha256sum "$pom" | cut -c1-16)
answer=$cache/oracle-$hash${1:+-$1}.cp

holds() {
  [[ -s $answer ]] || return 1
  local jar
  while IFS= read -r -d : jar; do
    [[ -f $jar ]] || return 1
  done < <(printf '%s:' "$(<"$answer")")
}

resolve() {
  command -v mvn >/dev/null || { echo "classpath.sh: mvn is missing (apt install maven)" >&2; return 1; }
  local java_home=${BARNABAS_JAVA_HOME:-}
  if [[ -z $java_home ]]; then
    java_home=$(compgen -G '/usr/lib/jvm/java-17-openjdk-*' | head -n 1) || true
  fi
  [[ -x $java_home/bin/java ]] || { echo "classpath.sh: Java 17 is missing (apt install openjdk-17-jre-headless)" >&2; return 1; }
  local fresh log
  fresh=$(mktemp "$cache/oracle.XXXXXX")
  log=$(mktemp "$cache/maven.XXXXXX")
  local plugin
  plugin=org.apache.maven.plugins:maven-dependency-plugin:$(sed -n 's:.*<dependency.plugin.version>\(.*\)</.*:\1:p' "$pom")
  if ! JAVA_HOME=$java_home mvn -B -f "$pom" "$plugin:build-classpath" "${release[@]}" \
      -Dmdep.outputFile="$fresh" </dev/null >"$log" 2>&1; then
    echo "classpath.sh: Maven could not resolve the oracle ($pom):" >&2
    grep -E '^\[ERROR\]' "$log" | head -n 5 >&2 || tail -n 5 "$log" >&2
    rm -f "$fresh" "$log"
    return 1
  fi
  mv "$fresh" "$answer"
  rm -f "$log"
}

mkdir -p "$cache"
exec 9>"$cache/oracle.lock"
flock 9
holds || resolve
cat "$answer"
