# Copies `here` to the server and back to `back`, compares, moves and deletes; copies what the server has in `served`.
set -eu
export RCLONE_CONFIG=rclone.conf RCLONE_FTP_HOST="$HOST" RCLONE_FTP_PORT="$PORT" RCLONE_FTP_USER="$FTP_USER"
RCLONE_FTP_PASS=$(rclone obscure "$FTP_PASSWORD")
export RCLONE_FTP_PASS
there=:ftp:incoming/there

rclone copy here $there
rclone check --download here $there
rclone copy $there back
rclone copy :ftp:incoming/served served
rclone check --download served :ftp:incoming/served

rclone moveto "$there/$NAME" "$there/moved $NAME"
rclone moveto "$there/moved $NAME" ":ftp:incoming/into/$NAME/$NAME"
rclone copyto ":ftp:incoming/into/$NAME/$NAME" moved.bin
rclone deletefile ":ftp:incoming/into/$NAME/$NAME"
rclone purge "$there"
