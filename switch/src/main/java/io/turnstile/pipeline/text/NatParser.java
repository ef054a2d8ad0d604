package io.turnstile.pipeline.text;

import io.turnstile.conntrack.NatRequest;
import io.turnstile.conntrack.NatRequest.Choice;
import io.turnstile.conntrack.NatRequest.Kind;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What stands in the parentheses of {@code nat(…)} (ovs-actions(7) nat).
 *
 * <p>Threads: one; an object for each text.
 */
final class NatParser {
    private static final Pattern ADDRESSES = Pattern.compile("(\\[[^\\]]*\\]|[^-\\[]+?)(?:-(\\[[^\\]]*\\]|[^-\\[]+?))?");
    private static final Pattern PORTS = Pattern.compile("([0-9]+)(?:-([0-9]+))?");

    private boolean source;
    private boolean destination;
    private boolean ranged;
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
        return new NatRequest(source ? Kind.SOURCE : Kind.DESTINATION, ipv6, first[0], first[1], last[0], last[1],
                minPort, maxPort, persistent, hash ? Choice.HASH : random ? Choice.RANDOM : Choice.DEFAULT);
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

    private void range(String text) throws FlowTextException {
        if (text.isEmpty()) {
            return;
        }
        int ports = portsColon(text);
        addresses(ports < 0 ? text : text.substring(0, ports), text);
        if (ports >= 0) {
            ports(text.substring(ports + 1), text);
        }
    }

    /**
     * Where the colon stands that ports follow; -1 if none do. An IPv6 address has colons of its own, unless in
     * brackets.
     */
    private static int portsColon(String text) {
        int bracket = text.lastIndexOf(']');
        int colon = text.indexOf(':', Math.max(bracket, 0));
        boolean bareIpv6 = bracket < 0 && colon >= 0 && text.indexOf(':', colon + 1) >= 0;
        return bareIpv6 ? -1 : colon;
    }

    private void addresses(String text, String whole) throws FlowTextException {
        Matcher matcher = ADDRESSES.matcher(text);
        if (!matcher.matches()) {
            throw bad(whole);
        }
        first = address(matcher.group(1), whole);
        last = matcher.group(2) == null ? first : address(matcher.group(2), whole);
        int high = Long.compareUnsigned(last[0], first[0]);
        if (high < 0 || high == 0 && Long.compareUnsigned(last[1], first[1]) < 0) {
            throw bad(whole);
        }
    }

    private long[] address(String text, String whole) throws FlowTextException {
        String bare = text.startsWith("[") ? text.substring(1, text.length() - 1) : text;
        boolean wide = bare.indexOf(':') >= 0;
        if (ranged && wide != ipv6) {
            throw bad(whole);
        }
        ranged = true;
        ipv6 = wide;
        try {
            return wide ? AddressText.parseIpv6(bare) : new long[] {0, AddressText.parseIpv4(bare)};
        } catch (FlowTextException e) {
            throw bad(whole);
        }
    }

    private void ports(String text, String whole) throws FlowTextException {
        Matcher matcher = PORTS.matcher(text);
        if (!matcher.matches()) {
            throw bad(whole);
        }
        minPort = (int) Numbers.parse("port", matcher.group(1), 0xffff);
        maxPort = matcher.group(2) == null ? minPort : (int) Numbers.parse("port", matcher.group(2), 0xffff);
        if (maxPort < minPort) {
            throw bad(whole);
        }
    }

    private static FlowTextException bad(String range) {
        return new FlowTextException("invalid nat range \"" + range + "\"");
    }
}
