package io.turnstile.datapath;

import io.turnstile.address.AddressText;
import io.turnstile.conntrack.NatRequest;

/** {@code nat(…)} as flows and datapath flows show it (ovs-actions(7) nat). */
public final class NatText {
    private NatText() {}

    /** In a datapath flow: with flags, if there are any. */
    static String ofDatapath(NatRequest nat) {
        return text(nat, flags(nat));
    }

    /** In a flow: flags are shown only behind a range, without which they change nothing. */
    public static String ofFlow(NatRequest nat) {
        return text(nat, nat.hasAddresses() ? flags(nat) : "");
    }

    private static String text(NatRequest nat, String flags) {
        return switch (nat.kind()) {
            case EXISTING -> "nat";
            case SOURCE -> "nat(src" + range(nat) + flags + ")";
            case DESTINATION -> "nat(dst" + range(nat) + flags + ")";
        };
    }

    private static String range(NatRequest nat) {
        if (!nat.hasAddresses()) {
            return "";
        }
        StringBuilder text = new StringBuilder("=").append(address(nat, nat.minHigh(), nat.minLow()));
        if (nat.maxHigh() != nat.minHigh() || nat.maxLow() != nat.minLow()) {
            text.append('-').append(address(nat, nat.maxHigh(), nat.maxLow()));
        }
        if (nat.hasPorts()) {
            text.append(':').append(nat.minPort());
            if (nat.maxPort() != nat.minPort()) {
                text.append('-').append(nat.maxPort());
            }
        }
        return text.toString();
    }

    private static String address(NatRequest nat, long high, long low) {
        if (!nat.ipv6()) {
            return AddressText.ipv4(low);
        }
        String address = AddressText.ipv6(high, low);
        return nat.hasPorts() ? "[" + address + "]" : address;
    }

    private static String flags(NatRequest nat) {
        return (nat.persistent() ? ",persistent" : "")
                + switch (nat.choice()) {
                    case DEFAULT -> "";
                    case HASH -> ",hash";
                    case RANDOM -> ",random";
                };
    }
}
