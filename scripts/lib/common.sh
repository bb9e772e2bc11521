# Sourced by the scripts of this folder: where things lie, and how to speak to people.
# shellcheck shell=bash

say() { printf '%s\n' "$*"; }
note() { printf '%s\n' "$*" >&2; }
die() {
  note "$*"
  exit 1
}

# Prints the program's path. In a checkout it lies in build/release/bin, in an installation in
# libexec/barnabas or bin beside the scripts' bin, else on the PATH. BARNABAS_PROGRAM names another.
find_program() {
  local base=$1 candidate
  if [[ -n ${BARNABAS_PROGRAM:-} ]]; then
    [[ -x $BARNABAS_PROGRAM ]] || die "BARNABAS_PROGRAM=$BARNABAS_PROGRAM is not a program"
    printf '%s\n' "$BARNABAS_PROGRAM"
    return
  fi
  for candidate in "$base/build/release/bin/barnabas" "$base/libexec/barnabas/barnabas" \
    "$base/bin/barnabas"; do
    if [[ -x $candidate && -f $candidate ]]; then
      printf '%s\n' "$candidate"
      return
    fi
  done
  command -v barnabas || die "barnabas is not built yet: run $base/scripts/quickstart.sh, or
  cmake --preset release && cmake --build --preset release --target barnabas"
}

# Where the broker's log files go: LOG_DIR as in Kafka, else logs beside the scripts' folder.
log_dir() { printf '%s\n' "${LOG_DIR:-$1/logs}"; }

# Where this user's pid files lie. Made here, for the owner alone.
run_dir() {
  local dir=${BARNABAS_RUN_DIR:-}
  if [[ -z $dir ]]; then
    if [[ $(id -u) == 0 && -d /run && -w /run ]]; then dir=/run/barnabas; else dir=/tmp/barnabas-$(id -u); fi
  fi
  [[ -d $dir ]] || (umask 077 && mkdir -p "$dir") 2>/dev/null || die "cannot make $dir for pid files (BARNABAS_RUN_DIR names another)"
  [[ -O $dir && ! -L $dir ]] || die "$dir belongs to somebody else; set BARNABAS_RUN_DIR to a folder of yours"
  printf '%s\n' "$dir"
}

# The first part of the names of all pid files of one properties file.
pid_file_prefix() {
  local file=$1 sum
  sum=$(printf '%s' "$file" | cksum | cut -d' ' -f1)
  printf '%s.%s' "$(basename "$file" .properties)" "$sum"
}

# pid_of pid-file [argument]: the pid in a pid file, if that process was started with this argument
# (the file's own name where none is given): a number that another process has got since is never
# taken for ours.
pid_of() {
  local pid_file=$1 argument=${2:-$1} pid
  [[ -r $pid_file ]] || return 1
  read -r pid <"$pid_file" || true
  [[ $pid =~ ^[0-9]+$ && -r /proc/$pid/cmdline ]] || return 1
  tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -qxF -- "$argument" || return 1
  printf '%s\n' "$pid"
}

# An existing file's absolute path, links resolved in the folders above it only.
absolute() { (cd "$(dirname "$1")" && printf '%s/%s\n' "$(pwd -P)" "$(basename "$1")"); }

# Makes a folder and prints its absolute path.
absolute_folder() {
  mkdir -p "$1" 2>/dev/null || die "cannot make the folder $1 (LOG_DIR names another)"
  (cd "$1" && pwd -P)
}

# log_dir_in_use run-folder log-folder: whether a running broker of ours was given that log folder.
log_dir_in_use() {
  local pid_file pid
  for pid_file in "$1"/*.pid; do
    if pid=$(pid_of "$pid_file") && tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -qxF -- "$2"; then return 0; fi
  done
  return 1
}
