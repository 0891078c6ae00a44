set -eu
[ "$PASSIVE" = yes ] && passive=true || passive=false
# When 150 and 226 come at once, it waits for 226 until its time is over.
ftp() { aria2c --quiet --timeout=5 --no-conf --all-proxy= --ftp-pasv=$passive --ftp-user="$FTP_USER" --ftp-passwd="$FTP_PASSWORD" "$@"; }

# In pieces, over four connections at a time.
ftp --split=4 --max-connection-per-server=4 --min-split-size=1M --piece-length=1M --out=got.bin "$SITE/pub/big.bin"
ftp --out=awkward.bin "$SITE/$DIR/$NAME_URL"
ftp --continue --out=resumed.bin "$SITE/pub/big.bin"
