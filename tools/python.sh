#!/bin/sh
# Everything else here is Python: makes sure that there is one. Installs it where that may be done, says the line otherwise.
command -v "${1:-python3}" >/dev/null && exit 0
line="apt-get install -y --no-install-recommends python3 python3-venv"
if ! command -v apt-get >/dev/null; then
    echo "There is no ${1:-python3}: install Python 3.11 or newer, or name one with PYTHON=" >&2
    exit 1
elif [ "$(id -u)" = 0 ]; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive $line
elif sudo -n true 2>/dev/null; then
    sudo apt-get update -qq && sudo DEBIAN_FRONTEND=noninteractive $line
else
    echo "There is no ${1:-python3}. Run: sudo $line" >&2
    exit 1
fi
