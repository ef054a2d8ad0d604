package io.turnstile.embedded.model;

import java.util.List;

/**
 * The ports of the model's switch. Clients are at ports 1 and 2 of the first bridge, servers at its ports 3 and 4 and
 * at the two ports of the second bridge, to which port {@link #PATCH} leads.
 */
public enum ModelPort {
    CLIENT_1(0, 1),
    CLIENT_2(0, 2),
    SERVER_3(0, 3),
    SERVER_4(0, 4),
    FAR_1(1, 1),
    FAR_2(1, 2);

    /** The patch port's number in either bridge. */
    public static final int PATCH = 9;

    static final List<ModelPort> CLIENTS = List.of(CLIENT_1, CLIENT_2);
    static final List<ModelPort> SERVERS = List.of(SERVER_3, SERVER_4, FAR_1, FAR_2);

    private final int bridge;
    private final int number;

    ModelPort(int bridge, int number) {
        this.bridge = bridge;
        this.number = number;
    }

    /** 0 or 1. */
    public int bridge() {
        return bridge;
    }

    /** OpenFlow port. */
    public int number() {
        return number;
    }

    boolean isClient() {
        return ordinal() <= CLIENT_2.ordinal();
    }

    /** The number of the first bridge's port behind which it is. */
    int numberFromBridge0() {
        return bridge == 0 ? number : PATCH;
    }

    // ---- who is there ----

    long mac() {
        return 0x0200_0000_1000L + ordinal();
    }

    String address(boolean ipv6, int host) {
        return (ipv6 ? "2001:db8::" + ordinal() + ":" : "10.0." + ordinal() + ".") + host;
    }

    /** What clients ask for where the switch translates destinations. */
    static String virtualAddress(boolean ipv6) {
        return ipv6 ? "2001:db8::99:1" : "10.0.99.1";
    }

    /** What clients of the port are translated to where the switch translates sources. */
    String translatedAddress(boolean ipv6) {
        return ipv6 ? "2001:db8::77:" + ordinal() : "10.0.77." + ordinal();
    }
}
