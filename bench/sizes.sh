#!/usr/bin/env bash
# Starts the small and the large demo, each with its own Postgres, primary and one edge, and has
# bench/load/sizes.js ask the endpoints of both edges: with the cache, and, after a restart, without.
# The report says, too, how long the data took to make, to copy and to pack, and what it weighs.
# Needs Linux, for what it tells of the machine. Ctrl-C ends everything it started; the data stays.
#
#   make bench-sizes                     half an hour for the first run, then a quarter of one
#   make bench-sizes SIZES=folder        where the data is kept, 45 GB; .bench/sizes else
set -euo pipefail

commit=$1
dir=${SIZES:-.bench/sizes}
report=bench/results/sizes-$(date -u +%F)-$commit.md
small=18080 large=18180 # ports of the primaries; the edges have the next
mkdir -p "$dir" bench/results
pids=()

stop() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  pids=()
}
trap stop EXIT

# start waits until the edge is ready, or the process has ended.
start() { # size port
  OUTPOST_RATE_LIMIT=off OUTPOST_LOGIN_LIMIT=off LOG_LEVEL=info LOG_FORMAT=json \
    bin/outpost dev --regions fra,iad --base-port "$2" --data "$dir/$1" --size "$1" >>"$dir/$1.log" 2>&1 &
  pids+=($!)
  until curl -fs -o /dev/null "http://127.0.0.1:$(($2 + 1))/readyz"; do
    kill -0 "${pids[-1]}" 2>/dev/null || { echo "outpost dev has ended: see $dir/$1.log" >&2; exit 1; }
    sleep 1
  done
}

compare() { # heading
  start small $small
  start large $large
  rm -f "$dir/table.md"
  SMALL=http://127.0.0.1:$((small + 1)) LARGE=http://127.0.0.1:$((large + 1)) OUT=$dir/table.md \
    .bin/k6 run --quiet --no-usage-report bench/load/sizes.js
  printf '## %s\n\n%s\n\n' "$1" "$(<"$dir/table.md")" >>"$dir/tables.md"
}

# The last value of a field in the lines of a log that have this message, or a dash.
logged() { # size message field
  { grep -h "\"msg\":\"$2\"" "$dir/$1.log" || true; } | sed -nE "s/.*\"$3\":\"?([^,\"}]*).*/\1/p" | tail -1 | grep . || echo –
}

published() { # size: bytes of the published tables, with their indexes
  PGPASSWORD=$(<"$dir/$1/postgres/password") psql -h 127.0.0.1 -p "$(<"$dir/$1/postgres/port")" -U postgres outpost -Atc "
    SELECT sum(pg_total_relation_size(format('%I.%I', schemaname, tablename)::regclass)) FROM pg_publication_tables"
}

weights() {
  local row='| %s | %s | %s |\n'
  both() { printf "$row" "$1" "$(logged small "$2" "$3")" "$(logged large "$2" "$3")"; }
  printf "$row" "" small large
  printf "$row" --- ---: ---:
  both "rows of the demo" "demo data is in" rows
  both "made in, ms" "demo data is in" took_ms
  printf "$row" "published tables in Postgres, with indexes, bytes" "$(published small)" "$(published large)"
  both "rows of the first copy" "generation begun" rows
  both "copied in, ms" "generation begun" took_ms
  printf "$row" "SQLite replica, bytes" "$(stat -c %s "$dir/small/iad/replica/replica.db")" "$(stat -c %s "$dir/large/iad/replica/replica.db")"
  both "snapshot, bytes" "snapshot made" bytes
  both "packed in, ms" "snapshot made" took_ms
}

rm -f "$dir/tables.md"
compare "With the cache: what it answers, and what it cannot"
weights >"$dir/weights.md"
stop
OUTPOST_CACHE_BYTES=off compare "Without the cache: every answer is read from the replica"
stop
{
  printf '# The large demo beside the small one\n\n'
  printf '`make bench-sizes` at %s on %s, %s cores of %s, %s GiB;\nk6, both Postgres, both primaries and both edges share them.\n\n' \
    "$commit" "$(date -u +%F)" "$(nproc)" "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)" "$(free -g | awk '/^Mem/ { print $2 }')"
  cat "$dir/weights.md"
  echo
  cat "$dir/tables.md"
} >"$report"
echo "$report"
