set -eu
host=${SITE#ftp://}
host=${host%:*}
export RCLONE_CONFIG=rclone.conf RCLONE_FTP_HOST="$host" RCLONE_FTP_PORT="$PORT" RCLONE_FTP_USER="$FTP_USER"
RCLONE_FTP_PASS=$(rclone obscure "$FTP_PASSWORD")
export RCLONE_FTP_PASS
[ -z "$TLS" ] || export RCLONE_FTP_EXPLICIT_TLS=true RCLONE_FTP_NO_CHECK_CERTIFICATE=true
[ "$TLS" != 1.2 ] || export RCLONE_FTP_DISABLE_TLS13=true

rclone lsl ":ftp:$DIR" >listing.txt
rclone copyto :ftp:pub/big.bin got.bin
rclone copyto ":ftp:$DIR/$NAME" awkward.bin
rclone copyto up.bin ":ftp:$DIR/up.bin"
rclone copyto up.bin ":ftp:$DIR/new-$NAME"
rclone moveto ":ftp:$DIR/old-name" ":ftp:$DIR/new-name"
rclone deletefile ":ftp:$DIR/unwanted"
rclone mkdir ":ftp:$DIR/made"
rclone touch --timestamp 2001-02-03T04:05:06 ":ftp:$DIR/dated"
rclone cat --count 1000 ":ftp:$ENDLESS" >part.bin
rclone copyto :ftp:pub/hello.txt after.txt
