# Mirrors what the server has in `served`, twice, when nothing must be left to do; and `here` to the server, and back.
set -eu
lftp -f /dev/stdin <<END
set cmd:fail-exit yes
set net:max-retries 1
set net:timeout 20
set ftp:ssl-allow no
open -u "$FTP_USER","$FTP_PASSWORD" $SITE
mirror --verbose=3 /incoming/served served > first.txt
mirror --verbose=3 /incoming/served served > again.txt
mirror -R here /incoming/there
mirror /incoming/there back
END
grep -q Transferring first.txt
! grep Transferring again.txt
