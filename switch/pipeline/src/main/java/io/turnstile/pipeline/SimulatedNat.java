package io.turnstile.pipeline;

import io.turnstile.address.AddressText;
import io.turnstile.conntrack.NatRequest;
import io.turnstile.datapath.Field;

/** The translation that a trace assumes for {@code nat(…)}: the first address and the first port of the range. */
final class SimulatedNat {
    private final NatRequest nat;
    private final long[] key;

    SimulatedNat(NatRequest nat, long[] key) {
        this.nat = nat;
        this.key = key;
    }

    /** Translates the key, and appends the lines of the trace. */
    void apply(StringBuilder text) {
        text.append("Replacing src/dst IP/ports to simulate NAT:\n Initial flow: ")
                .append(ends());
        switch (nat.kind()) {
            case SOURCE -> translate(nat.ipv6() ? Field.IPV6_SRC : Field.NW_SRC, Field.TP_SRC);
            case DESTINATION -> translate(nat.ipv6() ? Field.IPV6_DST : Field.NW_DST, Field.TP_DST);
            case EXISTING -> {
                // Which connection, if any, is not known.
            }
        }
        text.append("\n Modified flow: ").append(ends()).append('\n');
    }

    private void translate(Field address, Field port) {
        if (nat.hasAddresses()) {
            address.set(key, nat.minHigh(), nat.minLow());
            if (nat.hasPorts()) {
                port.set(key, nat.minPort());
            }
        }
    }

    /** Returns the addresses and ports; nothing without an address in the range, as then the family is not known. */
    private String ends() {
        if (!nat.hasAddresses()) {
            return "";
        }
        String prefix = nat.ipv6() ? "ipv6_" : "nw_";
        return prefix + end("src", nat.ipv6() ? Field.IPV6_SRC : Field.NW_SRC, Field.TP_SRC) + "," + prefix
                + end("dst", nat.ipv6() ? Field.IPV6_DST : Field.NW_DST, Field.TP_DST);
    }

    private String end(String name, Field address, Field port) {
        String shown = nat.ipv6()
                ? "[" + AddressText.ipv6(address.getHigh(key), address.get(key)) + "]"
                : AddressText.ipv4(address.get(key));
        return name + "=" + shown + ",tp_" + name + "=" + port.get(key);
    }
}
