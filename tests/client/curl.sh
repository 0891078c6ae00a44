set -eu
[ "$PASSIVE" = yes ] && mode=--ftp-pasv || mode='--ftp-port -'
site=ftp://$URL:$PORT
ftp() { curl --silent --show-error --fail --globoff --noproxy '*' --user "$FTP_USER:$FTP_PASSWORD" $mode "$@"; }

ftp "$site/pub/" >listing.txt
ftp --output got.bin "$site/pub/big.bin"
ftp --continue-at - --output resumed.bin "$site/pub/big.bin"
ftp --upload-file up.bin "$site/$DIR/up.bin"
ftp --continue-at - --upload-file half.bin "$site/$DIR/half.bin"
ftp --quote "RNFR $DIR/old-name" --quote "RNTO $DIR/new-name" --quote "DELE $DIR/unwanted" --list-only "$site/" >roots.txt
