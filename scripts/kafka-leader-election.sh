#!/usr/bin/env bash
# Has leaders of partitions elected: `barnabas leader-election`. --help tells the options.
set -euo pipefail

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
base=$(dirname "$here")
for library in "$here/lib/common.sh" "$base/libexec/barnabas/common.sh"; do
  # shellcheck source=lib/common.sh
  if [[ -r $library ]]; then source "$library" && break; fi
done

program=$(find_program "$base")
exec "$program" leader-election "$@"
