#!/usr/bin/env bash
# Boards: a multi-tenant API on Laravel 8, written for this test in the manner of a real one, on Debian's packages.
# usage: start.sh WORKDIR [PORT]   needs php-cli, php-laravel-framework, php-sqlite3 and curl; prints the pid
# writes WORKDIR/pid, WORKDIR/spec.yaml (openapi.yaml beside this script), WORKDIR/routes.json (`route:list --json`),
# WORKDIR/routes.txt (`METHOD /path` of each). Everything that PHP or the application writes stays in WORKDIR.
set -e
H=$(cd "$(dirname "$0")" && pwd); W=$(mkdir -p "$1" && cd "$1" && pwd); P=${2:-9725}
cd "$W"
for i in $(seq 100); do  # running and answering: done; stopping: wait for its end
  [ -f pid ] && kill -0 "$(cat pid)" 2>/dev/null || break
  curl -s -o /dev/null "127.0.0.1:$P/api/v1/status" && { cat pid; exit 0; }
  sleep 0.1
done
rm -rf app tmp; mkdir -p tmp opcache
cp -r "$H/app" app
mkdir -p app/bootstrap/cache app/storage/logs app/storage/app app/storage/framework/cache app/storage/framework/views app/storage/framework/sessions
touch app/.env app/database/database.sqlite
export TMPDIR="$W/tmp"
PHP=(php -d error_reporting=22527 -d display_errors=stderr -d sys_temp_dir="$W/tmp" -d upload_tmp_dir="$W/tmp"
  -d session.save_path="$W/tmp" -d opcache.enable_cli=1 -d opcache.file_cache="$W/opcache")
cd app
"${PHP[@]}" artisan migrate --force --seed >../log 2>&1 || { tail -5 ../log >&2; exit 1; }
"${PHP[@]}" artisan route:list --json >../routes.json 2>>../log
cd ..
php -r 'foreach (json_decode(file_get_contents("routes.json"), true) as $route) {
  foreach (explode("|", $route["method"]) as $verb) { echo "$verb /", ltrim($route["uri"], "/"), "\n"; } }' >routes.txt
cp "$H/openapi.yaml" spec.yaml
# The server's workers outlive a signal to their parent alone: so the pid is of a shell that ends its whole group.
export PHP_CLI_SERVER_WORKERS=4
setsid bash -c 'trap "trap - TERM; kill -TERM -- -$$" TERM INT; "$@" & wait' serve \
  "${PHP[@]}" -S "127.0.0.1:$P" -t app/public app/public/index.php >>log 2>&1 </dev/null &
echo $! >pid
for i in $(seq 150); do curl -sf -o /dev/null "127.0.0.1:$P/api/v1/status" && break; sleep 0.1; done
curl -sf -o /dev/null "127.0.0.1:$P/api/v1/status" || { tail -5 log >&2; exit 1; }
cat pid
