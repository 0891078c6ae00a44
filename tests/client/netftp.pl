use strict;
use warnings;
use Net::FTP;

my ($there, $name) = ("/$ENV{DIR}", $ENV{NAME});
my $site = Net::FTP->new($ENV{HOST}, Port => $ENV{PORT}, Timeout => 20, Passive => $ENV{PASSIVE} eq 'yes',
    SSL_verify_mode => 0)
    or die "cannot connect: $@";

# Dies with the server's words.
sub must { $_[0] or die 'failed: ', $site->code, ' ', $site->message }

must($site->starttls) if $ENV{TLS};
must($site->login($ENV{FTP_USER}, $ENV{FTP_PASSWORD}));
must($site->binary);
open(my $listing, '>', 'listing.txt') or die $!;
print $listing "$_\n" for $site->dir($there);
close($listing);
must($site->get('/pub/big.bin', 'got.bin'));
must($site->get("$there/$name", 'awkward.bin'));
must($site->get('/pub/big.bin', 'resumed.bin', -s 'resumed.bin'));
must($site->put('up.bin', "$there/up.bin"));
must($site->put('up.bin', "$there/new-$name"));
open(my $half, '<:raw', 'half.bin') or die $!;
seek($half, $site->size("$there/half.bin"), 0);
must($site->append($half, "$there/half.bin"));
must($site->rename("$there/old-name", "$there/new-name"));
must($site->delete("$there/unwanted"));
must($site->mkdir("$there/made"));
must($site->site('UTIME', 20010203040506, "$there/dated") == 2);
must($site->get("$there/ten.txt", "ten.$_")) for 0 .. 9;
my $data = $site->retr($ENV{ENDLESS});
must($data && $data->read(my $buffer, 1000));
$data->abort;
must($site->get('/pub/hello.txt', 'after.txt'));
$site->quit;
