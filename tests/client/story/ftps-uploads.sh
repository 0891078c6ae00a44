# Uploads COUNT files: a third each over ftp-ssl, which neither reads on such a connection nor closes TLS on it; over
# Net::FTP, which does not read; and over curl.
set -eu
third=$((COUNT / 3))
{
    echo "user $FTP_USER \"$FTP_PASSWORD\""
    echo binary
    for n in $(seq "$third"); do echo "put up.bin /incoming/ftp-ssl-$n"; done
    echo bye
} | ftp-ssl -n -v -i -p -z secure "$HOST" "$PORT"
perl - "$third" <<'END'
use strict;
use warnings;
use Net::FTP;
my $site = Net::FTP->new($ENV{HOST}, Port => $ENV{PORT}, Timeout => 20, Passive => 0, SSL_verify_mode => 0) or die $@;
my $must = sub { $_[0] or die $site->message };
$must->($site->starttls);
$must->($site->login($ENV{FTP_USER}, $ENV{FTP_PASSWORD}));
$must->($site->binary);
$must->($site->put('up.bin', "/incoming/netftp-$_")) for 1 .. $ARGV[0];
$site->quit;
END
for n in $(seq $((COUNT - 2 * third))); do
    printf 'url = "%s/incoming/curl-%s"\nupload-file = "up.bin"\n' "$SITE" "$n"
done >config
curl --silent --show-error --fail --insecure --ssl-reqd --noproxy '*' --user "$FTP_USER:$FTP_PASSWORD" --fail-early --config config
