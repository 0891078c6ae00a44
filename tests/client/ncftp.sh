set -eu
[ "$PASSIVE" = yes ] && mode=-F || mode=-E
login() { program=$1; shift; "$program" $mode -u "$FTP_USER" -p "$FTP_PASSWORD" -P "$PORT" "$@"; }

login ncftpls -l "ftp://$HOST/$DIR/" >listing.txt
login ncftpget -V -C "$HOST" /pub/big.bin got.bin
login ncftpget -V -C "$HOST" "/$DIR/$NAME" awkward.bin
cp resumed.bin big.bin
login ncftpget -V -z "$HOST" . /pub/big.bin
mv big.bin resumed.bin
login ncftpput -V "$HOST" "/$DIR" up.bin
login ncftpput -V -C "$HOST" up.bin "/$DIR/new-$NAME"
# Its own resume (-z) sends REST and then the whole file: only appending is of use.
tail -c +$((HALF + 1)) half.bin >rest.bin
login ncftpput -V -A -C "$HOST" rest.bin "/$DIR/half.bin"
login ncftpls -W "RNFR /$DIR/old-name" -W "RNTO /$DIR/new-name" -W "DELE /$DIR/unwanted" -W "MKD /$DIR/made" \
    "ftp://$HOST/" >roots.txt
# What it uploads gets the time of the local file.
TZ=UTC touch -t 200102030405.06 dated
login ncftpput -V "$HOST" "/$DIR" dated
