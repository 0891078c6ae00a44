set -eu
export HOME="$PWD"
[ "$PASSIVE" = yes ] && mode=-p || mode=-A
tnftp -n -v -i $mode "$HOST" "$PORT" <<END
user $FTP_USER "$FTP_PASSWORD"
binary
ls /pub listing.txt
get /pub/big.bin got.bin
reget /pub/big.bin resumed.bin
put up.bin /$DIR/up.bin
restart $(($(wc -c <half.bin) / 2))
put half.bin /$DIR/half.bin
rename /$DIR/old-name /$DIR/new-name
delete /$DIR/unwanted
bye
END
