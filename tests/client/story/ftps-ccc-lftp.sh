# Ends TLS on the control connection, and transfers both ways.
set -eu
echo up >up.txt
lftp -f /dev/stdin <<END
debug 5
set cmd:fail-exit yes
set net:max-retries 1
set net:timeout 20
set ftp:ssl-force yes
set ftp:ssl-use-ccc yes
set ssl:verify-certificate no
open -u "$FTP_USER","$FTP_PASSWORD" $SITE
get /pub/hello.txt -o first.txt
get /pub/hello.txt -o second.txt
put up.txt -o /incoming/up.txt
END
cmp first.txt second.txt
