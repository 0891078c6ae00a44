# Ends TLS on the control connection, in the way that MODE says, and transfers both ways.
set -eu
ftp() { curl --silent --show-error --verbose --fail --insecure --ssl-reqd "--tlsv$TLS" --tls-max "$TLS" --ftp-ssl-ccc --ftp-ssl-ccc-mode "$MODE" --noproxy '*' --user "$FTP_USER:$FTP_PASSWORD" "$@"; }
echo up >up.txt
ftp --output first.txt "$SITE/pub/hello.txt" --output second.txt "$SITE/pub/hello.txt"
ftp --upload-file up.txt "$SITE/incoming/up.txt"
cmp first.txt second.txt
