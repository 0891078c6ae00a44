set -eu
export HOME="$PWD"
[ "$PASSIVE" = yes ] && passive=on || passive=off
lftp -f /dev/stdin <<END
set cmd:fail-exit yes
set net:max-retries 1
set net:timeout 20
set ftp:ssl-allow no
set ftp:passive-mode $passive
open -u "$FTP_USER","$FTP_PASSWORD" ftp://$URL:$PORT
cls -l /pub > listing.txt
get /pub/big.bin -o got.bin
get -c /pub/big.bin -o resumed.bin
put up.bin -o /$DIR/up.bin
put -c half.bin -o /$DIR/half.bin
mv /$DIR/old-name /$DIR/new-name
rm /$DIR/unwanted
END
