package io.turnstile.openflow;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;

/**
 * {@code tcp:}, {@code ptcp:}, {@code ssl:}, {@code pssl:}, {@code unix:} and {@code punix:} addresses, as ovsdb(7)
 * "Connection Methods" writes them.
 */
record SocketTarget(SocketAddress address, boolean passive, boolean unix, boolean tls, boolean isLoopbackByDefault) {
    static final int DEFAULT_PORT = 6653;
    private static final String LOOPBACK = "127.0.0.1";
    private static final String ALL = "0.0.0.0";
    /** Said of a target that names no address to listen on. */
    static final String LOOPBACK_NOTE = "no address is given, so it listens on 127.0.0.1 alone (0.0.0.0 for all)";

    private SocketTarget(SocketAddress address, boolean passive, boolean unix) {
        this(address, passive, unix, false, false);
    }

    /** @throws IllegalArgumentException if it is none of these forms; says so */
    static SocketTarget parse(String target) {
        int colon = target.indexOf(':');
        String method = colon < 0 ? target : target.substring(0, colon);
        String rest = colon < 0 ? "" : target.substring(colon + 1);
        return switch (method) {
            case "unix" -> new SocketTarget(UnixDomainSocketAddress.of(rest), false, true);
            case "punix" -> new SocketTarget(UnixDomainSocketAddress.of(rest), true, true);
            case "tcp" -> new SocketTarget(active(rest, target), false, false);
            case "ptcp" ->
                new SocketTarget(
                        passive(rest, LOOPBACK, target),
                        true,
                        false,
                        false,
                        passiveHost(rest).isEmpty());
            case "ssl" -> new SocketTarget(active(rest, target), false, false, true, false);
            case "pssl" -> new SocketTarget(passive(rest, ALL, target), true, false, true, false);
            default -> throw new IllegalArgumentException(target + ": unknown connection method");
        };
    }

    /** {@code host[:port]}, the host in brackets if it is IPv6. */
    private static InetSocketAddress active(String rest, String whole) {
        int end = rest.startsWith("[")
                ? rest.indexOf(']') + 1
                : rest.indexOf(':') < 0 ? rest.length() : rest.indexOf(':');
        String host = rest.substring(0, end);
        if (host.isEmpty()) {
            throw new IllegalArgumentException(whole + ": no address");
        }
        String port = end < rest.length() ? rest.substring(end + 1) : "";
        return new InetSocketAddress(literal(host, whole), port(port, whole));
    }

    /**
     * {@code [port][:host]}; port 0 lets the system choose. Whoever can connect without a certificate commands the
     * bridge, so that it takes a word to listen to other machines; Open vSwitch listens to all.
     */
    private static InetSocketAddress passive(String rest, String defaultHost, String whole) {
        int colon = rest.indexOf(':');
        String port = colon < 0 ? rest : rest.substring(0, colon);
        String host = passiveHost(rest);
        InetAddress address = literal(host.isEmpty() ? defaultHost : host, whole);
        return new InetSocketAddress(address, port(port, whole));
    }

    private static String passiveHost(String rest) {
        int colon = rest.indexOf(':');
        return colon < 0 ? "" : rest.substring(colon + 1);
    }

    private static int port(String text, String whole) {
        if (text.isEmpty()) {
            return DEFAULT_PORT;
        }
        if (!text.matches("[0-9]{1,5}") || Integer.parseInt(text) > 0xffff) {
            throw new IllegalArgumentException(whole + ": bad port " + text);
        }
        return Integer.parseInt(text);
    }

    /** No names are looked up: the event loop must not wait for a resolver. */
    private static InetAddress literal(String host, String whole) {
        String bare = host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
        try {
            return InetAddress.ofLiteral(bare);
        } catch (IllegalArgumentException notLiteral) {
            if (bare.equals("localhost")) {
                return InetAddress.getLoopbackAddress();
            }
            throw new IllegalArgumentException(whole + ": " + bare + " is no IP address");
        }
    }
}
