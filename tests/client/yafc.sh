set -eu
[ "$PASSIVE" = yes ] && passive=on || passive=off
# A backslash before all that is ASCII.
name=$(printf %s "$NAME" | LC_ALL=C sed 's/[ -~]/\\&/g')
begin="set passive $passive
open ftp://$LOGIN@${SITE#ftp://}"

# It takes no word from HOME.
yafc -q -n -W "$PWD/work" >listing.txt <<END
$begin
ls -l --literal /$DIR
END
ln up.bin "new-$NAME"
yafc -q -n -W "$PWD/work" <<END
$begin
get /pub/big.bin -o got.bin
get /$DIR/$name
get --resume /pub/big.bin -o resumed.bin
cd /$DIR
put up.bin
put new-$name
put --resume half.bin
mv old-name new-name
rm -f unwanted
mkdir made
quote MFMT 20010203040506 dated
END
mv "$NAME" awkward.bin
