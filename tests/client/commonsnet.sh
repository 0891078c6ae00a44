set -eu
exec java -cp "$MADE:/usr/share/java/commons-net.jar" CommonsNet
