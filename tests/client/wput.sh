set -eu
[ "$PASSIVE" = yes ] && mode= || mode=--port-mode
put() { wput --less-verbose --disable-tls --binary --tries=2 $mode "$@"; }
site=ftp://$LOGIN@${SITE#ftp://}

put up.bin "$site/$DIR/up.bin"
put up.bin "$site/$DIR/new-$NAME_URL"
put half.bin "$site/$DIR/half.bin"
