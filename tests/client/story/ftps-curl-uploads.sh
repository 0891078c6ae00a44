# Uploads COUNT files in one session, of a byte and of more, and fetches in between what is not there.
set -eu
ftp() { curl --silent --show-error --insecure --ssl-reqd "--tlsv$TLS" --tls-max "$TLS" --noproxy '*' --user "$FTP_USER:$FTP_PASSWORD" "$@"; }
printf x >tiny
for n in $(seq "$COUNT"); do
    printf 'url = "%s/incoming/tiny-%s"\nupload-file = "tiny"\n' "$SITE" "$n"
    printf 'next\ninsecure\nssl-reqd\ntlsv%s\ntls-max = %s\nuser = "%s:%s"\n' "$TLS" "$TLS" "$FTP_USER" "$FTP_PASSWORD"
    printf 'url = "%s/missing"\noutput = "missing"\n' "$SITE"
    printf 'next\ninsecure\nssl-reqd\ntlsv%s\ntls-max = %s\nuser = "%s:%s"\n' "$TLS" "$TLS" "$FTP_USER" "$FTP_PASSWORD"
    printf 'url = "%s/incoming/up-%s"\nupload-file = "up.bin"\n' "$SITE" "$n"
    [ "$n" = "$COUNT" ] || printf 'next\ninsecure\nssl-reqd\ntlsv%s\ntls-max = %s\nuser = "%s:%s"\n' "$TLS" "$TLS" "$FTP_USER" "$FTP_PASSWORD"
done >config
ftp --config config || [ $? = 78 ]
