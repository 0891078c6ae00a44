set -eu
[ "$PASSIVE" = yes ] && mode=--ftp-pasv || mode='--ftp-port -'
[ -z "$TLS" ] || mode="$mode --ssl-reqd --insecure --tlsv$TLS --tls-max $TLS"
ftp() { curl --silent --show-error --fail --globoff --noproxy '*' --user "$FTP_USER:$FTP_PASSWORD" $mode "$@"; }

ftp "$SITE/$DIR/" >listing.txt
ftp --output got.bin "$SITE/pub/big.bin"
ftp --output awkward.bin "$SITE/$DIR/$NAME_URL"
ftp --continue-at - --output resumed.bin "$SITE/pub/big.bin"
ftp --upload-file up.bin "$SITE/$DIR/up.bin"
ftp --upload-file up.bin "$SITE/$DIR/new-$NAME_URL"
ftp --continue-at - --upload-file half.bin "$SITE/$DIR/half.bin"
ftp --quote "RNFR $DIR/old-name" --quote "RNTO $DIR/new-name" --quote "DELE $DIR/unwanted" --quote "MKD $DIR/made" \
    --list-only "$SITE/" >roots.txt
ftp --quote "MFMT 20010203040506 $DIR/dated" --list-only "$SITE/" >roots.txt
ftp --range 0-999 --output part.bin "$SITE$ENDLESS"
ftp --output after.txt "$SITE/pub/hello.txt"
ftp $(for n in 0 1 2 3 4 5 6 7 8 9; do echo "--output ten.$n $SITE/$DIR/ten.txt"; done)
