set -eu
# It decodes nothing.
site=ftp://$FTP_USER:$FTP_PASSWORD@${SITE#ftp://}
ftp() { axel --quiet --no-proxy "$@"; }

# In pieces, over two connections at a time.
ftp --num-connections=2 --output=got.bin "$site/pub/big.bin"
ftp --num-connections=1 --output=awkward.bin "$site/$DIR/$NAME"
