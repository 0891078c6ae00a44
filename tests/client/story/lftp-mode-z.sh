set -eu
export HOME="$PWD"
lftp -f /dev/stdin <<END
set cmd:fail-exit yes
set net:max-retries 1
set net:timeout 20
set ftp:ssl-allow no
open -u "$FTP_USER","$FTP_PASSWORD" ftp://$URL:$PORT
cls -l /pub > listing.txt
get /pub/big.bin -o got.bin
get -c /pub/big.bin -o resumed.bin
put up.bin -o /$DIR/up.bin
put -c half.bin -o /$DIR/half.bin
put empty -o /$DIR/empty
mirror /pub down
mirror -R up /$DIR/up
END
