#!/bin/sh
# Find a Chromium for the browser tests; install Debian's where this user may. Never fails: without
# one the browser tests skip and say so.
for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing Debian's Chromium for the browser tests"
    apt-get update -qq >/dev/null 2>&1
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null 2>&1
    command -v chromium >/dev/null 2>&1 && exit 0
fi
echo "No Chromium found and none could be installed: the browser tests will be skipped."
echo "Install the package 'chromium' (Debian, Ubuntu) to run them."
