package io.turnstile.conntrack;

/** A control packet has no room for the text that is to replace another in it. */
final class FtpSpaceException extends Exception {
    private static final long serialVersionUID = 1;

    FtpSpaceException() {
        super("no room for a longer address in an FTP control packet", null, false, false);
    }
}
