<?php
set_error_handler(function ($number, $text) { throw new Exception($text); });

$there = '/' . getenv('DIR');
$name = getenv('NAME');
$connect = getenv('TLS') ? 'ftp_ssl_connect' : 'ftp_connect';
$site = $connect(getenv('HOST'), (int) getenv('PORT'), 20);
ftp_login($site, getenv('FTP_USER'), getenv('FTP_PASSWORD'));
ftp_pasv($site, getenv('PASSIVE') === 'yes');
file_put_contents('listing.txt', implode("\n", ftp_rawlist($site, $there)));
ftp_get($site, 'got.bin', '/pub/big.bin');
ftp_get($site, 'awkward.bin', "$there/$name");
ftp_get($site, 'resumed.bin', '/pub/big.bin', FTP_BINARY, filesize('resumed.bin'));
ftp_put($site, "$there/up.bin", 'up.bin');
ftp_put($site, "$there/new-$name", 'up.bin');
ftp_put($site, "$there/half.bin", 'half.bin', FTP_BINARY, ftp_size($site, "$there/half.bin"));
ftp_rename($site, "$there/old-name", "$there/new-name");
ftp_delete($site, "$there/unwanted");
ftp_mkdir($site, "$there/made");
ftp_raw($site, "MFMT 20010203040506 $there/dated");
for ($number = 0; $number < 10; $number++) {
    ftp_get($site, "ten.$number", "$there/ten.txt");
}
ftp_close($site);
