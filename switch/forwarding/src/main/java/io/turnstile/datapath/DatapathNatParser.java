package io.turnstile.datapath;

import io.turnstile.conntrack.NatRequest;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The parser of {@code nat}, as {@link NatText} shows it in a datapath flow. Threads: stateless. */
final class DatapathNatParser {
    private static final String ADDRESS = "\\[[0-9a-fA-F:.]+\\]|[0-9a-fA-F:.]+?";
    private static final Pattern NAT = Pattern.compile("nat(?:\\((src|dst)"
            + "(?:=(?<min>" + ADDRESS + ")(?:-(?<max>" + ADDRESS
            + "))?(?::(?<from>[0-9]{1,5})(?:-(?<to>[0-9]{1,5}))?)?)?"
            + "(?<flags>(?:,(?:persistent|hash|random))*)\\))?");

    private DatapathNatParser() {}

    static NatRequest parse(String text) throws FlowSyntaxException {
        Matcher nat = NAT.matcher(text.replaceAll("\\s+", ""));
        if (!nat.matches()) {
            throw new FlowSyntaxException("syntax error at " + text);
        }
        if (nat.group(1) == null) {
            return NatRequest.ANY;
        }
        NatRequest.Kind kind = nat.group(1).equals("src") ? NatRequest.Kind.SOURCE : NatRequest.Kind.DESTINATION;
        String flags = nat.group("flags");
        NatRequest.Choice choice = flags.contains("hash")
                ? NatRequest.Choice.HASH
                : flags.contains("random") ? NatRequest.Choice.RANDOM : NatRequest.Choice.DEFAULT;
        boolean persistent = flags.contains("persistent");
        String min = nat.group("min");
        if (min == null) {
            return new NatRequest(kind, false, 0, 0, 0, 0, 0, 0, persistent, choice);
        }
        boolean ipv6 = min.contains(":");
        FieldText.Value first = address(min, ipv6);
        FieldText.Value last = nat.group("max") == null ? first : address(nat.group("max"), ipv6);
        int from = nat.group("from") == null ? 0 : (int) FieldText.number(nat.group("from"), 16);
        int to = nat.group("to") == null ? from : (int) FieldText.number(nat.group("to"), 16);
        return new NatRequest(
                kind, ipv6, first.high(), first.low(), last.high(), last.low(), from, to, persistent, choice);
    }

    private static FieldText.Value address(String text, boolean ipv6) {
        String plain = text.startsWith("[") ? text.substring(1, text.length() - 1) : text;
        return ipv6 ? FieldText.IPV6.parse(Field.IPV6_SRC, plain) : FieldText.IPV4.parse(Field.NW_SRC, plain);
    }
}
