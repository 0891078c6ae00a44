set -eu
[ "$PASSIVE" = yes ] && mode= || mode=--port-mode
[ -z "$TLS" ] && mode="$mode --disable-tls" || mode="$mode --force-tls"
put() { wput --less-verbose --binary --tries=2 --waitretry=0 $mode "$@"; }
site=ftp://$LOGIN@${SITE#ftp://}

put up.bin "$site/$DIR/up.bin"
put up.bin "$site/$DIR/new-$NAME_URL"
put half.bin "$site/$DIR/half.bin"
