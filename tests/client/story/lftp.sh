# Mirrors what the server has in `served`, twice, when nothing must be left to do; and `here` to the server, and back.
set -eu
run() {
    lftp -f /dev/stdin <<END
set cmd:fail-exit yes
set net:max-retries 1
set net:timeout 20
set ftp:ssl-allow no
open -u "$FTP_USER","$FTP_PASSWORD" $SITE
$*
END
}

run mirror --verbose=3 /incoming/served served >first.txt 2>&1
grep --quiet Transferring first.txt
run mirror --verbose=3 /incoming/served served >again.txt 2>&1
if grep Transferring again.txt; then exit 1; fi
run mirror -R here /incoming/there
run mirror /incoming/there back
