package io.turnstile.offload.spi;

import org.jspecify.annotations.Nullable;

/**
 * A port of the switch as it stood when this was made. The {@link #id()} is the port's identity: given once, never
 * again, while its numbers and its name may later be another port's.
 *
 * @param id identity for life; 0 only of {@link #GONE}
 * @param number datapath port number, the one {@code dpctl/show} prints; rests for a while before it is used again
 * @param name interface name; null of {@link #GONE} only
 * @param bridge the bridge that it belongs to; null if it belongs to none
 * @param openFlowNumber its OpenFlow number on that bridge; -1 if it belongs to none
 * @param kind {@code system}, {@code internal}, {@code tap}, {@code dummy} …, as {@code Interface:type}
 * @param ifindex the kernel's number of the device; 0 if it is none of the kernel's
 * @param mac Ethernet address in the low 48 bits; 0 if it has none
 * @param mtu largest payload of a frame, bytes; 0 if unknown
 */
public record PortRef(
        long id,
        int number,
        @Nullable String name,
        @Nullable String bridge,
        int openFlowNumber,
        String kind,
        int ifindex,
        long mac,
        int mtu) {
    /** Stands where a port was that is not there any more. */
    public static final PortRef GONE = new PortRef(0, -1, null, null, -1, "", 0, 0, 0);

    /** A port of which no more is known, its number being its identity: for tests. */
    public PortRef(int number, String name) {
        this(number + 1L, number, name, null, -1, "", 0, 0, 0);
    }

    /** The port is not there any more. */
    public boolean isGone() {
        return id == 0;
    }

    /** {@code p1(3)}: name and datapath number. */
    @Override
    public String toString() {
        return isGone() ? "a port that is gone" : name + "(" + number + ")";
    }
}
