package io.turnstile.pipeline.flow;

import io.turnstile.conntrack.NatRequest;
import io.turnstile.conntrack.NatRequest.Choice;
import io.turnstile.conntrack.NatRequest.Kind;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What stands in the parentheses of {@code nat(…)} (ovs-actions(7) nat).
 *
 * <p>Threads: one; an object for each text.
 */
final class NatParser {
    /** IPv4, or what may be IPv6, with or without brackets. */
    private static final Pattern ADDRESS =
            Pattern.compile("[0-9]+(\\.[0-9]+){3}|\\[[0-9a-fA-F:.]+\\]|[0-9a-fA-F]*:[0-9a-fA-F:.]+");

    private static final Pattern PORT = Pattern.compile("[0-9]+");

    private boolean source;
    private boolean destination;
    private boolean ipv6;
    private long[] first = new long[2];
    private long[] last = new long[2];
    private int minPort;
    private int maxPort;
    private boolean persistent;
    private boolean hash;
    private boolean random;

    static NatRequest parse(String text) throws FlowTextException {
        return new NatParser().read(text);
    }

    private NatRequest read(String text) throws FlowTextException {
        KeyValueScanner scanner = new KeyValueScanner(text);
        while (scanner.next()) {
            switch (scanner.key()) {
                case "src" -> {
                    source = true;
                    range(scanner.value());
                }
                case "dst" -> {
                    destination = true;
                    range(scanner.value());
                }
                case "persistent" -> persistent = true;
                case "hash" -> hash = true;
                case "random" -> random = true;
                default -> throw new FlowTextException("invalid key \"" + scanner.key() + "\" in \"nat\" argument");
            }
        }
        check();
        if (!source && !destination) {
            return NatRequest.ANY;
        }
        return new NatRequest(
                source ? Kind.SOURCE : Kind.DESTINATION,
                ipv6,
                first[0],
                first[1],
                last[0],
                last[1],
                minPort,
                maxPort,
                persistent,
                hash ? Choice.HASH : random ? Choice.RANDOM : Choice.DEFAULT);
    }

    private void check() throws FlowTextException {
        if (source && destination) {
            throw new FlowTextException("May only specify one of \"src\" or \"dst\".");
        }
        if (!source && !destination && (persistent || hash || random)) {
            throw new FlowTextException("Flags allowed only with \"src\" or \"dst\".");
        }
        if (hash && random) {
            throw new FlowTextException("Both \"hash\" and \"random\" are not allowed.");
        }
    }

    /** Reads as far as it can; what is left is told of. */
    private void range(String text) throws FlowTextException {
        Matcher at = ADDRESS.matcher(text);
        int end = 0;
        long[] start = at.lookingAt() ? address(at.group()) : null;
        if (start != null) {
            first = start;
            ipv6 = at.group().indexOf(':') >= 0;
            last = first;
            end = at.end();
            if (at.region(Math.min(end + 1, text.length()), text.length()).lookingAt() && text.charAt(end) == '-') {
                end = lastAddress(at, text);
            } else if (text.startsWith("-", end)) {
                throw bad(text);
            }
            end = text.startsWith(":", end) ? ports(text, end) : end;
        } else {
            first = new long[2];
            last = first;
        }
        if (end != text.length()) {
            throw new FlowTextException(
                    "garbage (" + text.substring(end) + ") after nat range \"" + text + "\" (pos: " + end + ")");
        }
    }

    /** Returns where it ends. */
    private int lastAddress(Matcher found, String text) throws FlowTextException {
        long[] address = address(found.group());
        if (address == null || found.group().indexOf(':') >= 0 != ipv6) {
            throw bad(text);
        }
        last = address;
        int high = Long.compareUnsigned(last[0], first[0]);
        if (high < 0 || high == 0 && Long.compareUnsigned(last[1], first[1]) < 0) {
            throw bad(text);
        }
        return found.end();
    }

    /** Null if it is none after all. */
    private static long @Nullable [] address(String text) {
        String bare = text.startsWith("[") ? text.substring(1, text.length() - 1) : text;
        try {
            return bare.indexOf(':') >= 0
                    ? AddressMaskText.parseIpv6(bare)
                    : new long[] {0, AddressMaskText.parseIpv4(bare)};
        } catch (FlowTextException none) {
            return null;
        }
    }

    /** Returns where they end. */
    private int ports(String text, int colon) throws FlowTextException {
        Matcher at = PORT.matcher(text).region(colon + 1, text.length());
        if (!at.lookingAt()) {
            throw bad(text);
        }
        minPort = (int) Numbers.parse("port", at.group(), 0xffff);
        maxPort = minPort;
        int end = at.end();
        if (text.startsWith("-", end)) {
            if (!at.region(end + 1, text.length()).lookingAt()) {
                throw bad(text);
            }
            maxPort = (int) Numbers.parse("port", at.group(), 0xffff);
            end = at.end();
        }
        if (maxPort < minPort) {
            throw bad(text);
        }
        return end;
    }

    private static FlowTextException bad(String range) {
        return new FlowTextException("invalid nat range \"" + range + "\"");
    }
}
