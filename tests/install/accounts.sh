#!/bin/sh
# Makes the system accounts of conf/sysusers.d/cellftpd.conf that are missing, and "ftp" for anonymous sessions.
# Run as root by `make demo` and `make test`. Leaves existing accounts as they are.
set -eu

conf=$(dirname "$0")/../../conf/sysusers.d/cellftpd.conf

# The line for "ftp" is a comment in the shipped file.
wanted() { sed 's/^#u ftp/u ftp/' "$conf" | grep '^u '; }

missing() { wanted | while read -r _ name _; do getent passwd "$name" >/dev/null || echo "$name"; done; }

# Without systemd-sysusers: the same, by hand. A line is: u NAME - "COMMENT" HOME SHELL
make_by_hand() {
    wanted | while read -r _ name _ rest; do
        getent passwd "$name" >/dev/null && continue
        comment=$(expr "$rest" : '"\([^"]*\)"')
        home=$(expr "$rest" : '"[^"]*" *\([^ ]*\)')
        shell=$(expr "$rest" : '.* \([^ ]*\)$')
        getent group "$name" >/dev/null || groupadd --system "$name"
        useradd --system --gid "$name" --comment "$comment" --home-dir "$home" --no-create-home \
            --shell "$shell" "$name"
    done
}

names=$(missing)
[ -n "$names" ] || exit 0
if [ "$(id -u)" -ne 0 ]; then
    echo "accounts.sh: missing accounts, and only root can make them:" $names >&2
    exit 1
fi
echo "making system accounts:" $names
if command -v systemd-sysusers >/dev/null; then
    wanted | systemd-sysusers -
else
    make_by_hand
fi
names=$(missing)
[ -z "$names" ] || { echo "accounts.sh: still missing:" $names >&2; exit 1; }
