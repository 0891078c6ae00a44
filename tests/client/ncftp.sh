set -eu
export HOME="$PWD"
[ "$PASSIVE" = yes ] && mode=-F || mode=-E
login() { program=$1; shift; "$program" $mode -u "$FTP_USER" -p "$FTP_PASSWORD" -P "$PORT" "$@"; }

login ncftpls -l "ftp://$HOST/pub/" >listing.txt
login ncftpget -V -C "$HOST" /pub/big.bin got.bin
cp resumed.bin big.bin
login ncftpget -V -z "$HOST" . /pub/big.bin
mv big.bin resumed.bin
login ncftpput -V "$HOST" "/$DIR" up.bin
# Its own resume (-z) sends REST and then the whole file: only appending is of use.
tail -c +$(($(wc -c <half.bin) / 2 + 1)) half.bin >rest.bin
login ncftpput -V -A -C "$HOST" rest.bin "/$DIR/half.bin"
login ncftpls -W "RNFR /$DIR/old-name" -W "RNTO /$DIR/new-name" -W "DELE /$DIR/unwanted" "ftp://$HOST/" >roots.txt
