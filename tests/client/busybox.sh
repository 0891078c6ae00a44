set -eu
get() { busybox ftpget -u "$FTP_USER" -p "$FTP_PASSWORD" -P "$PORT" "$@"; }
put() { busybox ftpput -u "$FTP_USER" -p "$FTP_PASSWORD" -P "$PORT" "$@"; }

get "$HOST" got.bin pub/big.bin
get "$HOST" awkward.bin "$DIR/$NAME"
get -c "$HOST" resumed.bin pub/big.bin
put "$HOST" "$DIR/up.bin" up.bin
put "$HOST" "$DIR/new-$NAME" up.bin
