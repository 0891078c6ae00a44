#!/bin/sh
# `make demo`: a small anonymous site behind a real xinetd on 127.0.0.1, tried with a real client (lftp), and left up until
# Ctrl-C. DEMO=once ends it after the trial; PORT=2121 and CELLFTPD=target/debug/cellftpd may be set.
# What it starts is ended by its own process id, and all its files are in one temporary directory.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
port=${PORT:-2121}
cellftpd=${CELLFTPD:-${CARGO_TARGET_DIR:-$here/target}/debug/cellftpd}

main() {
    [ -x "$cellftpd" ] || fail "no $cellftpd: run 'make demo', which builds it"
    if [ "$(id -u)" -ne 0 ]; then
        # The broker has to start as root, to give that away.
        exec sudo env PORT="$port" CELLFTPD="$cellftpd" DEMO="${DEMO-}" sh "$0"
    fi
    sh "$here/tests/install/accounts.sh"
    # Below / and not below a user's directory: the way to a site has to be open to the user "ftp".
    work=$(mktemp -d /tmp/cellftpd-demo.XXXXXX)
    super=
    trap cleanup EXIT
    trap 'exit 0' INT TERM HUP
    make_site
    write_configuration
    start_super_server
    try_with_a_client
    [ "${DEMO-}" != once ] || return 0
    tell_how
    # Ends by the trap, or with the super-server.
    wait "$super" || true
}

make_site() {
    chmod 755 "$work"
    mkdir -p "$work/site/pub" "$work/site/incoming" "$work/client"
    echo "Welcome to the cellftpd demo." >"$work/site/README.txt"
    head -c 1000000 /dev/urandom >"$work/site/pub/data.bin"
    chmod -R u=rwX,go=rX "$work/site"
    chown ftp: "$work/site/incoming"
    say "a site in $work/site, where only /incoming takes uploads"
}

write_configuration() {
    cat >"$work/cellftpd.toml" <<EOF
# All other settings have their defaults.
[anonymous]
enabled = true
root = "$work/site"
user = "ftp"

[rights]
"/" = ["list", "read"]
"/incoming" = ["list", "read", "write", "make-dir"]

[network]
# Client and server are one machine here.
active_loopback = true
EOF
    cat >"$work/xinetd.conf" <<EOF
defaults
{
	log_type = FILE $work/xinetd.log
}

service cellftpd-demo
{
	type        = UNLISTED
	port        = $port
	bind        = 127.0.0.1
	socket_type = stream
	protocol    = tcp
	wait        = no
	user        = root
	server      = $cellftpd
	server_args = --config $work/cellftpd.toml
	passenv     =
	instances   = 200
	cps         = 2000 1
}
EOF
}

start_super_server() {
    ! answers || fail "something else is on port $port already: set PORT"
    PATH="$PATH:/usr/sbin:/sbin" xinetd -dontfork -f "$work/xinetd.conf" \
        -pidfile "$work/xinetd.pid" -filelog "$work/xinetd.log" </dev/null &
    super=$!
    tries=0
    until answers; do
        tries=$((tries + 1))
        [ "$tries" -lt 50 ] || fail "no greeting on port $port after 5 seconds"
        kill -0 "$super" 2>/dev/null || fail "xinetd ended: see below"
        sleep 0.1
    done
    say "xinetd (process $super) starts $cellftpd for each connection to 127.0.0.1:$port"
}

# Does it greet as an FTP server does?
answers() { ftp "" >/dev/null 2>&1; }

ftp() {
    lftp -e "set net:max-retries 1; set net:timeout 5; set net:reconnect-interval-base 1; set ssl:verify-certificate no;
        set ftp:ssl-allow no; set cmd:fail-exit yes; open -u anonymous,demo@ -p $port 127.0.0.1; ${1:-cls -1}; bye" </dev/null
}

try_with_a_client() {
    say "lftp lists the site:"
    ftp "cls -l; cls -l pub"

    say "lftp downloads pub/data.bin (1,000,000 bytes):"
    ftp "get pub/data.bin -o $work/client/down.bin"
    same "$work/site/pub/data.bin" "$work/client/down.bin"

    say "lftp uploads it to incoming:"
    ftp "put $work/client/down.bin -o incoming/up.bin"
    same "$work/client/down.bin" "$work/site/incoming/up.bin"

    say "lftp downloads what it uploaded:"
    ftp "get incoming/up.bin -o $work/client/again.bin"
    same "$work/site/pub/data.bin" "$work/client/again.bin"

    say "lftp tries to upload where that is not allowed:"
    if ftp "put $work/client/down.bin -o pub/no.bin" 2>&1; then fail "the upload was taken"; fi
    [ ! -e "$work/site/pub/no.bin" ] || fail "the upload left a file"
    say "refused, as it should be"
}

same() {
    cmp "$1" "$2" || fail "$1 and $2 differ"
    say "same, byte for byte"
}

tell_how() {
    say "all went well; it is up until Ctrl-C. In another terminal:"
    echo "    lftp -p $port 127.0.0.1            or: curl ftp://127.0.0.1:$port/"
    echo "    ps -eo pid,user,args | grep '[c]ellftpd:'   while connected: who runs as whom"
}

cleanup() {
    status=$?
    trap '' INT TERM HUP
    trap - EXIT
    if [ -n "$super" ]; then
        kill "$super" 2>/dev/null || true
        wait "$super" 2>/dev/null || true
    fi
    rm -rf "$work"
    [ "$status" -ne 0 ] || say "ended; nothing is left running"
    exit "$status"
}

say() { echo "demo: $*"; }

fail() {
    echo "demo: failed: $*" >&2
    [ ! -e "${work-}/xinetd.log" ] || sed 's/^/    /' "$work/xinetd.log" >&2
    exit 1
}

main
