set -eu
[ "$PASSIVE" = yes ] && mode=--passive-ftp || mode=--no-passive-ftp
[ -z "$TLS" ] || { SITE=ftps://${SITE#ftp://} mode="$mode --no-check-certificate"; }
ftp() { wget --no-verbose --no-proxy --tries=2 --timeout=20 $mode --ftp-user="$FTP_USER" --ftp-password="$FTP_PASSWORD" "$@"; }

ftp --no-remove-listing --output-document=index.html "$SITE/$DIR/"
mv .listing listing.txt
ftp --output-document=got.bin "$SITE/pub/big.bin"
ftp --output-document=awkward.bin "$SITE/$DIR/$NAME_URL"
ftp --continue --output-document=resumed.bin "$SITE/pub/big.bin"
