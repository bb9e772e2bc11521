#!/usr/bin/env bash
# Tells the id of a cluster: `barnabas cluster`. --help tells the options.
set -euo pipefail

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
base=$(dirname "$here")
for library in "$here/lib/common.sh" "$base/libexec/barnabas/common.sh"; do
  # shellcheck source=lib/common.sh
  if [[ -r $library ]]; then source "$library" && break; fi
done

program=$(find_program "$base")
exec "$program" cluster "$@"
