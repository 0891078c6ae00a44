#!/bin/sh
# Makes the clients of tests/clients.rs and tests/ftps.rs that are no Debian packages, in `clients` of the target directory. Run as the
# user who builds, after `packages.sh test`. What is there already in the right version is left.
set -eu

cd "$(dirname "$0")/../.."
scripts=$PWD/tests/client
made=${CARGO_TARGET_DIR:-target}/clients

main() {
    mkdir -p "$made"
    made=$(cd "$made" && pwd)
    began=$(date +%s)
    once aioftp-0.28.3 install_aioftp
    once basic-ftp-6.2.6 install_basic_ftp
    twice cargo build --quiet --locked --manifest-path "$scripts/suppaftp/Cargo.toml" --target-dir "$made/suppaftp"
    GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE="$made/go-cache" go build -o "$made/jlaffaye" "$scripts/jlaffaye.go"
    javac -cp /usr/share/java/commons-net.jar -d "$made" "$scripts/CommonsNet.java"
    echo "clients.sh: $(($(date +%s) - began)) s"
}

# Runs a command unless it was done for this version.
once() {
    [ ! -e "$made/$1.done" ] || return 0
    echo "installing: $1"
    twice "$2"
    touch "$made/$1.done"
}

# Registries fail now and then.
twice() { "$@" || "$@"; }

install_aioftp() {
    rm -rf "$made/venv"
    python3 -m venv "$made/venv" && "$made/venv/bin/pip" --quiet install aioftp==0.28.3
}

install_basic_ftp() {
    npm install --silent --no-save --no-package-lock --prefix "$made" basic-ftp@6.2.6
}

main "$@"
