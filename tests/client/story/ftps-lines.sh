# Says a few commands over `openssl s_client` and `gnutls-cli`, and waits until each ends because the server did.
set -u
mkfifo lines
say() {
    printf 'USER %s\nPASS %s\nPWD\nQUIT\n' "$FTP_USER" "$FTP_PASSWORD" >&3
    wait "$1"
    echo "ended with $?" >>"$2"
    exec 3>&-
}
openssl s_client -quiet -crlf -starttls ftp -connect "$HOST:$PORT" <lines >openssl.txt 2>&1 &
exec 3>lines
say $! openssl.txt
gnutls-cli --insecure --starttls-proto=ftp --port "$PORT" "$HOST" <lines >gnutls.txt 2>&1 &
exec 3>lines
say $! gnutls.txt
