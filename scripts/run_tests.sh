#!/usr/bin/env bash
# Every test. What keeps time with real sound has the machine for itself; the rest goes first, in as many processes as
# there are cores. One log of what the calendar services were asked is kept of both (law 6).
set -euo pipefail
cd "$(dirname "$0")/.."

# The page scripts in their replicas wait for pages, not for sound to be on time.
by_page='tests/adapter/bot/rooms/test_(google_meet|jitsi|teams|zoom)\.py'
mapfile -t of_the_bot < <(find tests/adapter/bot -name 'test_*.py' | grep -vE "$by_page" | sort)
in_real_time=(tests/acceptance "${of_the_bot[@]}" tests/adapter/web/practice tests/test_bench.py tests/test_law_six.py)

cores=$(nproc)
mkdir -p build
: >build/requests.jsonl
: >build/requests.ran
export TEST_REQUEST_LOG=$PWD/build/requests.jsonl
.venv/bin/python -m pytest -q -n "$((cores < 4 ? cores : 4))" --dist worksteal tests "${in_real_time[@]/#/--ignore=}"
.venv/bin/python -m pytest "${in_real_time[@]}"
