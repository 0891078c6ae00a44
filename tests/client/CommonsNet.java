import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import org.apache.commons.net.ftp.FTP;
import org.apache.commons.net.ftp.FTPClient;
import org.apache.commons.net.ftp.FTPFile;
import org.apache.commons.net.ftp.FTPSClient;
import org.apache.commons.net.util.TrustManagerUtils;

public class CommonsNet {
    static final String tls = env("TLS");
    static final FTPClient site = tls.isEmpty() ? new FTPClient() : secured();
    static final String there = "/" + env("DIR"), name = env("NAME");

    static String env(String name) {
        return System.getenv(name);
    }

    static FTPSClient secured() {
        FTPSClient site = new FTPSClient();
        site.setTrustManager(TrustManagerUtils.getAcceptAllTrustManager());
        site.setEnabledProtocols(new String[] {"TLSv" + tls});
        return site;
    }

    static void must(boolean done) throws IOException {
        if (!done) {
            throw new IOException(site.getReplyString());
        }
    }

    static void get(String path, String local, long offset) throws IOException {
        try (FileOutputStream file = new FileOutputStream(local, offset > 0)) {
            site.setRestartOffset(offset);
            must(site.retrieveFile(path, file));
        }
    }

    static void put(String local, String path, long offset) throws IOException {
        try (FileInputStream file = new FileInputStream(local)) {
            file.skipNBytes(offset);
            site.setRestartOffset(offset);
            must(site.storeFile(path, file));
        }
    }

    public static void main(String[] arguments) throws IOException {
        site.setControlEncoding("UTF-8");
        site.setDefaultTimeout(20000);
        site.connect(env("HOST"), Integer.parseInt(env("PORT")));
        must(site.login(env("FTP_USER"), env("FTP_PASSWORD")));
        if (site instanceof FTPSClient) {
            ((FTPSClient) site).execPBSZ(0);
            ((FTPSClient) site).execPROT("P");
        }
        must(site.setFileType(FTP.BINARY_FILE_TYPE));
        if (env("PASSIVE").equals("yes")) {
            site.enterLocalPassiveMode();
        }
        try (PrintWriter listing = new PrintWriter("listing.txt", "UTF-8")) {
            for (FTPFile file : site.listFiles(there)) {
                listing.println(file.getName() + " " + file.getSize());
            }
        }
        get("/pub/big.bin", "got.bin", 0);
        get(there + "/" + name, "awkward.bin", 0);
        get("/pub/big.bin", "resumed.bin", new java.io.File("resumed.bin").length());
        put("up.bin", there + "/up.bin", 0);
        put("up.bin", there + "/new-" + name, 0);
        put("half.bin", there + "/half.bin", Long.parseLong(site.getSize(there + "/half.bin")));
        must(site.rename(there + "/old-name", there + "/new-name"));
        must(site.deleteFile(there + "/unwanted"));
        must(site.makeDirectory(there + "/made"));
        must(site.setModificationTime(there + "/dated", "20010203040506"));
        InputStream data = site.retrieveFileStream(env("ENDLESS"));
        must(data.read() >= 0);
        // It reads one reply, the transfer's; the one to ABOR is left.
        site.abort();
        data.close();
        must(site.completePendingCommand());
        get("/pub/hello.txt", "after.txt", 0);
        for (int number = 0; number < 10; number++) {
            get(there + "/ten.txt", "ten." + number, 0);
        }
        site.logout();
        site.disconnect();
    }
}
