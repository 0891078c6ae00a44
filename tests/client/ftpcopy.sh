set -eu
copy() { ftpcopy --tries=1 --loglevel=1 --user="$FTP_USER" --pass="$FTP_PASSWORD" "$HOST:$PORT" "$@"; }

mkdir pub again there
copy /pub pub
mv pub/big.bin got.bin
# It goes on with what it left: a file whose name tells the time and the size of the original.
cp resumed.bin "again/.tmp.big.bin.$(stat --format=%Y.%s got.bin)"
copy /pub again
mv again/big.bin resumed.bin
copy "/$DIR" there
mv "there/$NAME" awkward.bin
