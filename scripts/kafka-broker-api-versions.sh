#!/usr/bin/env bash
# Tells which requests each broker takes, in which versions: `barnabas broker-api-versions`. --help tells the options.
set -euo pipefail

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
base=$(dirname "$here")
for library in "$here/lib/common.sh" "$base/libexec/barnabas/common.sh"; do
  # shellcheck source=lib/common.sh
  if [[ -r $library ]]; then source "$library" && break; fi
done

program=$(find_program "$base")
exec "$program" broker-api-versions "$@"
