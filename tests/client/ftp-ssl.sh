set -eu
[ "$PASSIVE" = yes ] && mode=-p || mode=
# A backslash before all that is ASCII.
name=$(printf %s "$NAME" | LC_ALL=C sed 's/[ -~]/\\&/g')
ftp-ssl -n -v -i $mode -z secure "$HOST" "$PORT" <<END
user $FTP_USER "$FTP_PASSWORD"
binary
ls /$DIR listing.txt
get /pub/big.bin got.bin
get /$DIR/$name awkward.bin
reget /pub/big.bin resumed.bin
put up.bin /$DIR/up.bin
put up.bin /$DIR/new-$name
restart $HALF
put half.bin /$DIR/half.bin
rename /$DIR/old-name /$DIR/new-name
delete /$DIR/unwanted
mkdir /$DIR/made
quote MFMT 20010203040506 /$DIR/dated
get $ENDLESS "|head -c 1000 >part.bin"
get /pub/hello.txt after.txt
$(for n in 0 1 2 3 4 5 6 7 8 9; do echo "get /$DIR/ten.txt ten.$n"; done)
bye
END
