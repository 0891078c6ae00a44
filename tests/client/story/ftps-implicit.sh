# Up and down over TLS from the first byte on, by curl and by lftp, data protected.
set -eu

say() { curl --silent --show-error --insecure "--tlsv$TLS" --tls-max "$TLS" --noproxy '*' --user "$FTP_USER:$FTP_PASSWORD" "$@"; }

site=ftps://$HOST:$PORT
say "$site/pub/hello.txt" --output curl.txt
say --upload-file up.bin "$site/incoming/curl.bin"
say "$site/incoming/" >curl-list.txt

lftp -f /dev/stdin <<END
set cmd:fail-exit yes
set net:max-retries 1
set net:timeout 20
set ssl:verify-certificate no
open -u "$FTP_USER","$FTP_PASSWORD" $site
get pub/hello.txt -o lftp.txt
put up.bin -o incoming/lftp.bin
cls incoming > lftp-list.txt
END
