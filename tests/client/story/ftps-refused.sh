# What people see of a 522: curl, lftp and ftplib, all told to begin each data connection afresh.
set -u
curl --silent --show-error --verbose --insecure --ssl-reqd "--tlsv$TLS" --tls-max "$TLS" --no-sessionid --noproxy '*' --user "$FTP_USER:$FTP_PASSWORD" \
    "$SITE/pub/hello.txt" >curl.txt 2>&1
lftp -f /dev/stdin >lftp.txt 2>&1 <<END
set net:max-retries 1
set net:timeout 20
set ftp:ssl-force yes
set ftp:ssl-copy-sid no
set ssl:verify-certificate no
open -u "$FTP_USER","$FTP_PASSWORD" $SITE
get /pub/hello.txt -o got.txt
END
python3 - >ftplib.txt 2>&1 <<END
import ftplib, os, ssl
site = ftplib.FTP_TLS(timeout=20, context=ssl._create_unverified_context())
site.connect(os.environ["HOST"], int(os.environ["PORT"]))
site.login(os.environ["FTP_USER"], os.environ["FTP_PASSWORD"])
site.prot_p()
try:
    site.retrbinary("RETR /pub/hello.txt", print)
except ftplib.Error as error:
    print(error)
# The session is as good as before.
print(site.pwd())
END
