#!/usr/bin/env bash
# Installs what the tests need, builds a release with them and runs every test through ctest.
#   test.sh [ctest arguments]     for example: test.sh -R unit.storage, test.sh -L oracle
#   test.sh --install             installs only
set -euo pipefail

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
base=$(dirname "$here")
# shellcheck source=lib/common.sh
source "$here/lib/common.sh"
# shellcheck source=lib/setup.sh
source "$here/lib/setup.sh"

case ${1:-} in
  -h | --help)
    sed -n '2,/^set -e/{/^set -e/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
    exit 0
    ;;
esac

logs=$base/build/logs
mkdir -p "$logs" 2>/dev/null || die "cannot write to $base: run this as the owner of the checkout"
install_packages "$logs" "$here/lib/packages-build.txt" "$here/lib/packages-test.txt"
if [[ ${1:-} == --install ]]; then exit 0; fi

cd "$base"
run_step "Configuring the build" "$logs/configure.log" cmake --preset release -DBARNABAS_TESTS=ON ||
  build_failed "$logs/configure.log"
run_step "Building the release and its tests" "$logs/build.log" cmake --build --preset release ||
  build_failed "$logs/build.log"
exec ctest --preset release -j "$(nproc)" "$@"
