package io.turnstile.demo;

import java.net.InetAddress;

/**
 * {@code ping -c 1} with nothing but the JDK: as root, Java asks with an ICMP echo request. Exit status 0 if it was
 * answered.
 */
public final class Reach {
    private static final int PATIENCE_MS = 2000;

    private Reach() {}

    public static void main(String[] args) throws Exception {
        System.exit(InetAddress.getByName(args[0]).isReachable(PATIENCE_MS) ? 0 : 1);
    }
}
