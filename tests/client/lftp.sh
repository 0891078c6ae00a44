set -eu
[ "$PASSIVE" = yes ] && passive=on || passive=off
[ -z "$TLS" ] && tls='set ftp:ssl-allow no' || tls="set ftp:ssl-force yes; set ssl:verify-certificate no"
name=$(printf %s "$NAME" | sed 's/[\\"]/\\&/g')
lftp -f /dev/stdin <<END
set cmd:fail-exit yes
set net:max-retries 1
set net:timeout 20
$tls
set ftp:passive-mode $passive
open -u "$FTP_USER","$FTP_PASSWORD" $SITE
cls -l /$DIR > listing.txt
get /pub/big.bin -o got.bin
get "/$DIR/$name" -o awkward.bin
get -c /pub/big.bin -o resumed.bin
put up.bin -o /$DIR/up.bin
put up.bin -o "/$DIR/new-$name"
put -c half.bin -o /$DIR/half.bin
mv /$DIR/old-name /$DIR/new-name
rm /$DIR/unwanted
mkdir /$DIR/made
set cmd:fail-exit no
cat $ENDLESS | head -c 1000 > part.bin
set cmd:fail-exit yes
get /pub/hello.txt -o after.txt
$(for n in 0 1 2 3 4 5 6 7 8 9; do echo "get /$DIR/ten.txt -o ten.$n"; done)
END
# What it uploads gets the time of the local file.
TZ=UTC touch -t 200102030405.06 dated
lftp -e "set ftp:passive-mode $passive; $tls; put dated -o /$DIR/dated; bye" -u "$FTP_USER,$FTP_PASSWORD" "$SITE"
