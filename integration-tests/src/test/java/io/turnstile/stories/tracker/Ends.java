package io.turnstile.stories.tracker;

/**
 * The two ends of an exchange as {@link io.turnstile.packet.Frames} writes them.
 *
 * @param there {@code client > server}, what the client sends
 * @param back what the server sends; not just the reverse where addresses are translated
 */
record Ends(String there, String back) {

    static Ends of(String client, String server) {
        return new Ends(client + " > " + server, server + " > " + client);
    }

    /** @param side 0 client, 1 server */
    String from(int side) {
        return side == 0 ? there : back;
    }

    /** Without ports, for ICMP. */
    String hostsFrom(int side) {
        String[] ends = from(side).split(" > ");
        return host(ends[0]) + " > " + host(ends[1]);
    }

    private static String host(String end) {
        int colon = end.lastIndexOf(':');
        return end.substring(0, colon).replaceAll("[\\[\\]]", "");
    }
}
