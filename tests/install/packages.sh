#!/bin/sh
# Installs by apt-get what is missing for a purpose: `packages.sh demo`, `packages.sh test` or `packages.sh hunt`. Run as root, or as a user
# who has sudo. No service is started meanwhile, and super-servers that came with it are not left enabled.
set -eu

# A command (or a file) that tells whether it is there, and the Debian package that brings it.
for_building='cc:gcc /usr/include/stdio.h:libc6-dev make:make'
for_logins='/etc/pam.d/common-auth:libpam-runtime useradd:passwd'
for_demo="$for_building $for_logins xinetd:xinetd lftp:lftp"
# Besides curl, lftp, tnftp, ncftp and python3, which other tests use too.
for_clients='inetutils-ftp:inetutils-ftp yafc:yafc wget:wget aria2c:aria2 axel:axel busybox:busybox ftpcopy:ftpcopy wput:wput
    rclone:rclone prove:perl /usr/share/perl5/IO/Socket/SSL.pm:libio-socket-ssl-perl
    ftp-ssl:ftp-ssl openssl:openssl gnutls-cli:gnutls-bin sslscan:sslscan
    pkg-config:pkg-config /usr/include/openssl/ssl.h:libssl-dev php:php-cli node:nodejs npm:npm javac:default-jdk-headless
    /usr/share/java/commons-net.jar:libcommons-net-java go:golang-go
    /usr/share/gocode/src/github.com/jlaffaye/ftp:golang-github-jlaffaye-ftp-dev'
for_test="$for_demo curl:curl tnftp:tnftp ncftpget:ncftp python3:python3 strace:strace ps:procps readelf:binutils unshare:util-linux script:bsdutils
    systemd-socket-activate:systemd systemd-analyze:systemd /usr/share/zoneinfo/Europe/Berlin:tzdata $for_clients"
for_hunt="testssl:testssl.sh"

# Where packages are laid out that the tests use and that can't, or need not, be installed: a second super-server, and
# the server that ours is compared with.
unpacked=/var/lib/cellftpd-tests

as_root=
[ "$(id -u)" -eq 0 ] || as_root=sudo

main() {
    case ${1-} in
        demo) need $for_demo ;;
        test) need $for_test && need_venv && unpack openbsd-inetd inetd && unpack vsftpd vsftpd ;;
        hunt) need $for_hunt ;;
        *) echo "usage: packages.sh demo|test|hunt" >&2; exit 64 ;;
    esac
}

need() {
    began=$(date +%s)
    packages=
    for pair in "$@"; do
        is_there "${pair%%:*}" || packages="$packages ${pair#*:}"
    done
    is_there_library libpam.so.0 || packages="$packages libpam0g"
    [ -n "$packages" ] || return 0
    install_quietly $packages
    echo "packages.sh: $(($(date +%s) - began)) s"
}

# Debian's python3 comes without the packages for its venv module; other builds of Python may have them.
need_venv() { python3 -c 'import ensurepip' 2>/dev/null || install_quietly python3-venv; }

is_there() {
    case $1 in
        /*) [ -e "$1" ] || [ -n "$(find /usr/include -name "${1##*/}" -print -quit 2>/dev/null)" ] ;;
        # Servers are in directories that a user's PATH may not have.
        *) PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null ;;
    esac
}

is_there_library() { PATH="$PATH:/usr/sbin:/sbin" ldconfig -p | grep -q "[[:space:]]$1 "; }

install_quietly() {
    command -v apt-get >/dev/null || { echo "packages.sh: no apt-get; please install:" "$@" >&2; exit 1; }
    echo "installing:" "$@"
    forbid_starting
    trap 'allow_starting' EXIT
    trap 'exit 130' INT TERM
    apt_get install "$@" || { $as_root apt-get -qq -o DPkg::Lock::Timeout=300 update && apt_get install "$@"; }
    trap - EXIT INT TERM
    allow_starting
    for package in "$@"; do
        [ "$package" != xinetd ] || not_at_boot xinetd
    done
}

apt_get() {
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -y -o DPkg::Lock::Timeout=300 --no-install-recommends "$@" >/dev/null
}

# invoke-rc.d(8) asks /usr/sbin/policy-rc.d: 101 is "no".
policy=/usr/sbin/policy-rc.d

forbid_starting() {
    if [ -e $policy ] || [ -L $policy ]; then $as_root mv $policy $policy.cellftpd-saved; fi
    printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
    $as_root chmod 755 $policy
}

allow_starting() {
    $as_root rm -f $policy
    if [ -e $policy.cellftpd-saved ] || [ -L $policy.cellftpd-saved ]; then
        $as_root mv $policy.cellftpd-saved $policy
    fi
}

not_at_boot() {
    if [ -d /run/systemd/system ]; then
        $as_root systemctl --quiet disable "$1" || echo "packages.sh: $1 stays enabled at boot" >&2
    elif command -v update-rc.d >/dev/null; then
        $as_root update-rc.d "$1" disable >/dev/null 2>&1 || true
    fi
}

# openbsd-inetd and xinetd conflict as packages, not as programs; and vsftpd would be a service. Both are unpacked and
# not installed: `unpack PACKAGE PROGRAM`.
unpack() {
    [ ! -x "$unpacked/$1/usr/sbin/$2" ] || return 0
    is_there "$2" && return 0
    echo "unpacking: $1 to $unpacked/$1"
    scratch=$(mktemp -d)
    # apt's own user downloads into it.
    chmod 777 "$scratch"
    (cd "$scratch" && apt-get -qq download "$1") ||
        { $as_root apt-get -qq -o DPkg::Lock::Timeout=300 update && (cd "$scratch" && apt-get -qq download "$1"); }
    libraries=$(dpkg-deb --field "$scratch"/*.deb Depends | tr ',' '\n' | sed -n 's/^ *\(lib[^ ]*\).*/\1/p')
    missing=
    for library in $libraries; do
        dpkg-query --show --showformat='${Status}' "$library" 2>/dev/null | grep -q ' installed$' ||
            missing="$missing $library"
    done
    [ -z "$missing" ] || install_quietly $missing
    $as_root mkdir -p "$unpacked/$1"
    $as_root dpkg-deb --extract "$scratch"/*.deb "$unpacked/$1"
    rm -r "$scratch"
}

main "$@"
