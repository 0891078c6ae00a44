# Gets twenty small files in one session of lftp, and writes down how many milliseconds that took.
set -eu
now='!date +%s%N'
lftp -f /dev/stdin <<END
set cmd:fail-exit yes
set net:max-retries 1
set net:timeout 20
set ftp:ssl-force yes
set ssl:verify-certificate no
open -u "$FTP_USER","$FTP_PASSWORD" $SITE
get /pub/hello.txt -o first.txt
$now >began
$(for n in 0 1 2 3 4 5 6 7 8 9; do echo "get /pub/hello.txt -o $n.txt"; echo "get /pub/hello.txt -o again-$n.txt"; done)
$now >ended
END
echo $((($(cat ended) - $(cat began)) / 1000000)) >ms
